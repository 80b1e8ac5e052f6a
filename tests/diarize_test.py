"""Speakers from outside: graphs/diarize.yaml and graphs/meeting.yaml on voices made here.

usage: diarize_test.py ROOT BUILD TESTCASE
"""

import array
import json
import wave

from command import JFK, ROOT, Case, main

DIARIZE, MEETING = ROOT / "graphs/diarize.yaml", ROOT / "graphs/meeting.yaml"
RATE = 16000
# Two sentences of the bundled recording, in seconds.
FIRST, SECOND = (0.2, 4.6), (5.2, 10.8)


def speech(part):
    with wave.open(str(JFK)) as source:
        samples = array.array("h", source.readframes(source.getnframes()))
    return samples[int(part[0] * RATE) : int(part[1] * RATE)]


def faster(samples, factor):
    """As a tape played faster: another, higher voice."""
    at = (i * factor for i in range(int((len(samples) - 1) / factor)))
    return array.array("h", (int(samples[int(t)] * (1 - t % 1) + samples[int(t) + 1] * (t % 1)) for t in at))


def write(path, *parts):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for part in parts:
            out.writeframes(part.tobytes() + bytes(2 * int(0.4 * RATE)))
    return path


class Speakers(Case):
    def two(self):
        return write(self.folder / "two voices.wav", speech(FIRST), faster(speech(SECOND), 1.3), speech(SECOND), faster(speech(FIRST), 1.3))

    def json(self, graph, file, *more):
        return json.loads(self.good("run", graph, file, "--format", "json", *more).stdout)

    def test_two_voices_are_told_apart(self):
        found = self.json(DIARIZE, self.two())
        self.assertEqual(found["speakers"]["labels"], ["S1", "S2"])
        # Truth: S1 speaks before 4.4 s and from 9.5 to 15.1, S2 between and after.
        for turn in found["turns"]:
            middle = (turn["start"] + turn["end"]) / 2
            self.assertEqual(turn["speaker"], "S1" if middle < 4.6 or 9.3 < middle < 15.3 else "S2", turn)
        self.assertAlmostEqual(sum(found["speakers"]["talk_s"]), sum(t["end"] - t["start"] for t in found["turns"]))

    def test_the_bundled_meeting_is_told_apart(self):
        truth = [line.split() for line in (ROOT / "graphs/samples/meeting.rttm").read_text().splitlines()]
        names = {}
        turns = self.json(DIARIZE, ROOT / "graphs/samples/meeting.opus")["turns"]
        for turn in turns:
            middle = (turn["start"] + turn["end"]) / 2
            spoken = [t[7] for t in truth if float(t[3]) < middle < float(t[3]) + float(t[4])]
            self.assertEqual(len(spoken), 1, turn)
            self.assertEqual(names.setdefault(turn["speaker"], spoken[0]), spoken[0], turn)
        self.assertEqual(sorted(names.values()), ["jfk", "kathleen", "ljspeech"])

    def test_one_voice_is_one_speaker(self):
        self.assertEqual(self.json(DIARIZE, JFK)["speakers"]["count"], 1)

    def test_silence_has_no_speaker(self):
        silence = write(self.folder / "silence.wav", array.array("h", [0] * 5 * RATE))
        found = self.json(DIARIZE, silence)
        self.assertEqual((found["speakers"]["count"], found["turns"]), (0, []))
        self.assertEqual(self.good("run", DIARIZE, silence, "--format", "rttm").stdout, "")
        self.assertEqual(self.json(MEETING, silence)["segments"], [])

    def test_the_number_can_be_given(self):
        file = self.two()
        self.assertEqual(self.json(DIARIZE, file, "--set", "num_speakers=1")["speakers"]["count"], 1)
        self.assertEqual(self.json(DIARIZE, file, "--set", "num_speakers=3")["speakers"]["count"], 3)
        self.assertEqual(self.json(DIARIZE, file, "--set", "max_speakers=1")["speakers"]["count"], 1)

    def test_the_same_file_gives_the_same_bytes(self):
        file = self.two()
        one, two = (self.good("run", DIARIZE, file, "--format", "rttm", "--threads", n).stdout for n in (1, 2))
        self.assertEqual(one, two)
        self.assertRegex(one.splitlines()[0], r"^SPEAKER two_voices 1 0\.\d{3} \d\.\d{3} <NA> <NA> S1 <NA> <NA>$")

    def test_text_carries_its_speaker(self):
        found = self.json(MEETING, self.two())
        self.assertEqual(found["speakers"]["count"], 2)
        for segment in found["segments"]:
            middle = (segment["start"] + segment["end"]) / 2
            self.assertEqual(segment["speaker"], "S1" if middle < 4.6 or 9.3 < middle < 15.3 else "S2", segment)
        text = self.good("run", MEETING, self.two()).stdout
        self.assertEqual([p.split(":")[0] for p in text.strip().split("\n\n")], ["S1", "S2", "S1", "S2"])
        self.assertIn("S2: ", self.good("run", MEETING, self.two(), "--format", "srt").stdout)

    def test_senseless_bounds_are_refused(self):
        self.assertIn("min_speakers is 3, which is more than max_speakers, 2",
                      self.bad(3, "run", DIARIZE, JFK, "--set", "min_speakers=3", "--set", "max_speakers=2"))  # fmt: skip
        self.assertIn("'max_speakers' is '0'; wanted a number from 1", self.bad(3, "run", DIARIZE, JFK, "--set", "max_speakers=0"))
        self.assertIn("wanted a whole number", self.bad(3, "run", DIARIZE, JFK, "--set", "num_speakers=1.5"))


main()
