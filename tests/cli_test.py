"""The command line from outside: what is on stdout, which exit code, which files.

usage: cli_test.py ROOT BUILD TESTCASE
"""

import array
import json
import math
import random
import re
import shutil
import signal
import subprocess
import wave

from command import GRAPH, JFK, NPURT, Case, main, npurt

RATE = 16000


def write_wav(path, samples, channels=1, rate=RATE):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(array.array("h", samples).tobytes())
    return path


def repeat_wav(path, source, times):
    with wave.open(str(source)) as one, wave.open(str(path), "wb") as out:
        out.setparams(one.getparams())
        frames = one.readframes(one.getnframes())
        for _ in range(times):
            out.writeframesraw(frames)
    return path


class Run(Case):
    def test_text_is_all_that_is_on_stdout(self):
        done = self.good("run", GRAPH, JFK)
        words = re.sub(r"[^a-z ]", "", " ".join(done.stdout.lower().split()))
        self.assertEqual(words, "and so my fellow americans ask not what your country can do for you ask what you can do for your country")
        self.assertRegex(done.stderr, r"transcript_sink +1 +audio")
        self.assertRegex(done.stderr, r"11\.0 s audio in .* s \(\d+x realtime\)")
        self.assertNotIn("\r", done.stderr)

    def test_a_meeting_is_heard_in_full(self):
        said = self.good("run", GRAPH, JFK.with_name("meeting.opus"), "--quiet").stdout
        words = [re.sub(r"[^a-z ]", "", " ".join(t.lower().split())) for t in (said, JFK.with_name("meeting.txt").read_text())]
        self.assertEqual(*words)

    def test_quiet_says_nothing(self):
        self.assertEqual(self.good("run", GRAPH, JFK, "--quiet").stderr, "")

    def test_json_holds_text_placement_and_timing(self):
        document = json.loads(self.good("run", GRAPH, JFK, "--format", "json").stdout)
        self.assertIn("country", document["text"])
        self.assertAlmostEqual(document["duration"], 11, delta=0.1)
        self.assertEqual({"node", "op", "use", "device", "cause", "time"}, set(document["placement"][0]))
        self.assertEqual({p["node"] for p in document["placement"]}, {n["node"] for n in document["timing"]["nodes"]})
        times = [t for s in document["segments"] for t in (s["start"], s["end"])]
        self.assertEqual(times, sorted(times))
        self.assertLessEqual(times[-1], document["duration"])

    def test_subtitles_are_read_by_another_program(self):
        if not shutil.which("ffprobe"):
            self.skipTest("no ffprobe here")
        for form in ("srt", "vtt"):
            self.good("run", GRAPH, JFK, "-o", f"jfk.{form}")
            probe = ["ffprobe", "-v", "error", "-show_packets", "-of", "json", self.folder / f"jfk.{form}"]
            packets = json.loads(subprocess.check_output(probe))["packets"]
            self.assertGreaterEqual(len(packets), 1)
            self.assertLess(float(packets[-1]["pts_time"]) + float(packets[-1]["duration_time"]), 11.1)

    def test_tsv_is_a_table(self):
        header, *rows = self.good("run", GRAPH, JFK, "--format", "tsv").stdout.splitlines()
        self.assertEqual(header.split("\t"), ["start", "end", "text"])
        self.assertTrue(all(len(row.split("\t")) == 3 for row in rows) and rows)

    def test_report_names_every_node(self):
        self.good("run", GRAPH, JFK, "-o", "jfk.txt", "--report", "report.json")
        run = json.loads((self.folder / "report.json").read_text())["runs"][0]
        self.assertEqual(run["input"], str(JFK))
        self.assertIn("wav", json.dumps(run["placement"]))


class Outputs(Case):
    def test_a_folder_and_a_pattern_get_one_file_each(self):
        other = self.folder / "other.wav"
        shutil.copy(JFK, other)
        self.good("run", GRAPH, JFK, other, "-o", "out/", "--format", "srt")
        self.assertEqual({p.name for p in (self.folder / "out").iterdir()}, {"jfk.srt", "other.srt"})
        self.good("run", GRAPH, JFK, other, "-o", "by/{name}.text.vtt")
        self.assertTrue((self.folder / "by/other.text.vtt").read_text().startswith("WEBVTT"))

    def test_several_on_stdout_have_headers(self):
        done = self.good("run", GRAPH, JFK, JFK)
        self.assertEqual(done.stdout.count(f"==> {JFK} <=="), 2)

    def test_files_are_never_shared_or_overwritten(self):
        shutil.copy(JFK, self.folder / "jfk.wav")
        self.assertIn("cannot share one file", self.bad(2, "run", GRAPH, JFK, "jfk.wav", "-o", "one.txt"))
        self.assertIn("both", self.bad(2, "run", GRAPH, JFK, "jfk.wav", "-o", "out/"))
        self.assertIn("overwrite", self.bad(2, "run", GRAPH, "jfk.wav", "-o", "jfk.wav"))

    def test_one_bad_input_does_not_stop_the_others(self):
        done = npurt("run", GRAPH, "none.wav", JFK, "-o", "out/", folder=self.folder)
        self.assertEqual(done.returncode, 3)
        self.assertTrue(done.stderr.endswith("1 of 2 inputs failed\n"), done.stderr)
        self.assertIn("country", (self.folder / "out/jfk.txt").read_text())

    def test_an_interrupt_keeps_what_is_written(self):
        long = repeat_wav(self.folder / "long.wav", JFK, 120)
        out = self.folder / "long.txt"
        part = self.folder / "long.txt.part"
        process = subprocess.Popen([NPURT, "run", GRAPH, long, "-o", out, "--quiet"])
        while process.poll() is None and not (part.exists() and part.stat().st_size):
            pass
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), 130)
        self.assertIn("country", out.read_text())


class Exits(Case):
    def test_usage(self):
        self.assertIn("NAME=VALUE", self.bad(2, "run", GRAPH, JFK, "--set", "language"))
        self.assertIn("--npu", self.bad(2, "run", GRAPH, JFK, "--npu", "on"))
        self.assertIn("$input", self.bad(2, "run", GRAPH))
        self.assertIn("--format", self.bad(2, "run", GRAPH, JFK, "--format", "pdf"))
        self.assertIn("did you mean 'matmul'", self.bad(2, "inspect", "matmull"))

    def test_a_slip_is_answered_with_what_was_meant(self):
        for arguments, message, hint in (
            (["rn", GRAPH], "no command 'rn'", "did you mean 'run'"),
            (["model", "pul", "base"], "no command 'pul'", "did you mean 'pull'"),
            (["run", GRAPH, JFK, "--fromat=srt"], "no option '--fromat'", "did you mean '--format'"),
            (["--verson"], "no option '--verson'", "did you mean '--version'"),
            (["plan", GRAPH, "--why", "encoder.block.0.fc1"], "no node 'encoder.block.0.fc1'", "did you mean 'encoder.blocks.0.fc1'"),
            (["model", "pull", "bas"], "no model is known as 'bas'", "did you mean 'base'"),
        ):
            with self.subTest(arguments=arguments):
                said = self.bad(2, *arguments)
                self.assertIn(message, said)
                self.assertIn(hint, said)
        self.assertIn("npurt plan --help", self.bad(2, "plan"))
        self.assertIn("plan, plugin, plugins", self.bad(2))

    def test_graph_and_input(self):
        self.assertIn("none.yaml", self.bad(3, "run", "none.yaml", JFK))
        self.assertIn("none.wav", self.bad(3, "run", GRAPH, "none.wav"))
        self.assertIn("languag", self.bad(3, "plan", GRAPH, "--set", "languag=en"))

    def test_require(self):
        self.assertIn("mel", self.bad(6, "run", GRAPH, JFK, "--require", "mel=npu"))
        self.good("plan", GRAPH, "--require", "mel=cpu")

    def test_audio_that_is_none(self):
        jfk = JFK.read_bytes()
        files = {"empty.wav": b"", "head.wav": jfk[:20], "text.mp3": b"this is a text\n" * 99, "zero.wav": None,
                 "garbage.flac": random.Random(1).randbytes(5000)}  # fmt: skip
        for name, data in files.items():
            if data is None:
                write_wav(self.folder / name, [])
            else:
                (self.folder / name).write_bytes(data)
            with self.subTest(name):
                self.assertIn(name, self.bad(3, "run", GRAPH, name))
        self.assertIn(str(self.folder), self.bad(3, "run", GRAPH, self.folder))


class Silence(Case):
    """What nobody said must not be written."""

    def expect_no_text(self, samples):
        self.assertEqual(self.good("run", GRAPH, write_wav(self.folder / "a.wav", samples), "--quiet").stdout.strip(), "")

    def test_silence(self):
        self.expect_no_text([0] * 60 * RATE)

    def test_noise(self):
        chance = random.Random(7)
        self.expect_no_text([int(chance.gauss(0, 3000)) for _ in range(60 * RATE)])

    def test_coloured_noise(self):
        chance, pink, brown = random.Random(8), [], []
        slow, walk = 0.0, 0.0
        for _ in range(60 * RATE):
            white = chance.gauss(0, 1)
            slow, walk = 0.97 * slow + 0.25 * white, 0.998 * walk + 0.06 * white
            pink.append(int(1500 * (slow + 0.3 * white)))
            brown.append(int(5000 * walk))
        for samples in (pink, brown):
            self.expect_no_text([max(-32768, min(32767, x)) for x in samples])

    def test_hum_and_drums(self):
        hum = [int(sum(6000 / k * math.sin(2 * math.pi * 50 * k * i / RATE) for k in (1, 2, 3, 5))) for i in range(RATE)]
        self.expect_no_text(hum * 60)
        chance, bar = random.Random(9), [0] * RATE
        for beat in range(4):
            for i in range(RATE // 8):
                t = i / RATE
                low = math.sin(2 * math.pi * 60 * t) * math.exp(-15 * t)
                high = chance.gauss(0, 0.3) * math.exp(-40 * t)
                bar[beat * RATE // 4 + i] = int(20000 * (low if beat % 2 == 0 else high))
        self.expect_no_text([max(-32768, min(32767, x)) for x in bar] * 60)

    def test_music(self):
        chords = [(220, 277, 330), (196, 247, 294), (175, 220, 262), (165, 208, 247)]
        turn = [2 * math.pi * i / RATE for i in range(RATE)]
        tables = [[int(2500 * sum(math.sin(f * t) for f in c) * math.exp(-t / 4)) for t in turn] for c in chords]
        self.expect_no_text([x for second in range(60) for x in tables[second % 4]])


class Look(Case):
    def test_plan(self):
        self.assertIn("mel", self.good("plan", GRAPH).stdout)
        json.loads(self.good("plan", GRAPH, "--format", "json").stdout)
        self.assertTrue(self.good("plan", GRAPH, "--format", "dot").stdout.startswith("digraph"))
        self.assertIn("cpu", self.good("plan", GRAPH, "--why", "mel").stdout)

    def test_why_names_nodes_as_require_does(self):
        self.assertEqual(self.good("plan", GRAPH, "--why", "encoder.blocks.0").stdout.count("\nnode "), 6)
        self.assertEqual(self.good("plan", GRAPH, "--why", "*.fc1").stdout.count("(op matmul)"), 4)

    def test_use_reaches_the_graph_inside_a_stage(self):
        exact = ("plan", GRAPH, "--set", "precision=f32")
        self.assertIn("by cpu:f32", self.good(*exact, "--use", "text.kv=cpu:f32", "--why", "text.kv").stdout)
        self.assertIn("did you mean 'text.kv'", self.bad(3, *exact, "--use", "text.kw=cpu:f32"))

    def test_a_graph_says_what_may_be_set(self):
        for name in (GRAPH, "transcribe"):
            self.assertRegex(self.good("inspect", name).stdout, r"language +auto +a code")

    def test_plugins_and_ops(self):
        self.assertIn("libnpurt_cpu.so", self.good("plugins").stdout)
        self.assertIn("matmul:", self.good("inspect", "matmul").stdout)
        self.assertIn("log_mel", self.good("inspect", "cpu").stdout)

    def test_help_and_version(self):
        self.assertRegex(self.good("--version").stdout, r"^npurt \d+\.\d+\.\d+$")
        for command in ("run", "plan", "ab", "plugins", "inspect", "model", "model list", "model info", "model verify", "model pull"):
            examples = self.good(*command.split(), "--help").stdout.partition("Examples:")[2]
            self.assertIn(f"npurt {command}", examples)


main()
