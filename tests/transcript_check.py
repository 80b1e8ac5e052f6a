"""Reads the transcripts that transcript_sink_test wrote with parsers that are not npurt's: Python's json and csv, FFmpeg's for subtitles.

usage: transcript_check.py FOLDER
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

folder = Path(sys.argv[1])
TIMES = [(0.5, 4.0), (4.0, 9.0), (12.0, 20.25), (20.25, 21.0), (3723.004, 3725.5)]
TEXTS = ['From A --> B, "said" he & <she>.', '"An open quote and a tab and a line', "Žluťoučký kůň, 日本語, 🎤", "7", "WEBVTT"]


def equal(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, wanted {wanted!r}")


def text_of(name):
    return (folder / name).read_bytes().decode("utf-8")  # strictly


def cues(name):
    """[(start, end, text)] as FFmpeg sees them."""
    probe = ["ffprobe", "-v", "error", "-show_packets", "-of", "json", folder / name]
    packets = json.loads(subprocess.check_output(probe)).get("packets", [])
    times = [(float(p["pts_time"]), round(float(p["pts_time"]) + float(p["duration_time"]), 3)) for p in packets]
    copy = ["ffmpeg", "-nostdin", "-v", "error", "-i", folder / name, "-map", "0:s:0", "-c", "copy", "-f", "data", "-"]
    return times, subprocess.check_output(copy).decode()


equal("txt", text_of("full.txt").splitlines(), TEXTS)
document = json.loads(text_of("full.json"))
equal("json times", [(s["start"], s["end"]) for s in document["segments"]], TIMES)
equal("json texts", [s["text"] for s in document["segments"]], TEXTS)
equal("json text", document["text"], " ".join(TEXTS))
equal("json ids", [s["id"] for s in document["segments"]], list(range(5)))
equal("json language", document["language"], "en")
equal("json speech", document["quality"]["speech_s"], 16.5)
rows = list(csv.reader(text_of("full.tsv").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
equal("tsv head", rows[0], ["start", "end", "text"])
equal("tsv", [((int(a) / 1000, int(b) / 1000), c) for a, b, c in rows[1:]], list(zip(TIMES, TEXTS)))
times, text = cues("full.srt")
equal("srt times", times, TIMES)
equal("srt text", text, "".join(TEXTS).replace("-->", "->"))
times, text = cues("full.vtt")
equal("vtt times", times, TIMES)
equal("vtt text", text, "".join(TEXTS).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))

equal("empty txt", text_of("empty.txt"), "")
equal("empty srt", text_of("empty.srt"), "")
equal("empty vtt", text_of("empty.vtt"), "WEBVTT\n\n")
equal("empty tsv", text_of("empty.tsv"), "start\tend\ttext\n")
empty = json.loads(text_of("empty.json"))
equal("empty json", (empty["text"], empty["segments"]), ("", []))
