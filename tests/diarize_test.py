"""Speakers from outside: graphs/diarize.yaml and graphs/meeting.yaml on voices made here.

usage: diarize_test.py ROOT BUILD TESTCASE
"""

import array
import json
import os
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

    def enroll(self, **files):
        for name, part in files.items():
            self.good("speakers", "enroll", name, write(self.folder / f"{name}.wav", part))

    def test_enrolled_voices_are_known_by_name(self):
        os.environ["XDG_DATA_HOME"] = str(self.folder / "data")
        self.assertIn("nobody is enrolled", self.bad(3, "speakers", "identify", JFK))
        self.enroll(kennedy=speech(FIRST), boy=faster(speech(FIRST), 1.3))
        self.assertEqual([line.split()[0] for line in self.good("speakers", "list").stdout.splitlines()], ["boy", "kennedy"])
        nearest, other = self.good("speakers", "identify", write(self.folder / "who.wav", speech(SECOND))).stdout.splitlines()
        self.assertRegex(nearest, r"^kennedy +cosine 0\.[89]\d$")
        self.assertRegex(other, r"^boy +cosine 0\.\d\d")
        self.assertEqual(self.json(DIARIZE, self.two(), "--set", "enroll=all")["speakers"]["labels"], ["kennedy", "boy"])
        self.assertEqual(self.json(DIARIZE, self.two(), "--set", "enroll=boy")["speakers"]["labels"], ["S1", "boy"])
        self.assertIn("no speaker is enrolled as 'kenedy'", self.bad(3, "run", DIARIZE, JFK, "--set", "enroll=kenedy"))
        self.assertIn("did you mean 'kennedy'", self.bad(3, "run", DIARIZE, JFK, "--set", "enroll=kenedy"))

    def test_voices_are_enrolled_from_files_in_a_graph(self):
        write(self.folder / "kennedy.wav", speech(SECOND))
        graph = self.folder / "mine.yaml"
        graph.write_text(DIARIZE.read_text().replace("enroll: $enroll", "enroll: {kennedy: kennedy.wav}"))
        self.assertEqual(self.json(graph, self.two())["speakers"]["labels"], ["kennedy", "S1"])

    def test_voices_that_cannot_be_enrolled_are_refused(self):
        os.environ["XDG_DATA_HOME"] = str(self.folder / "data")
        silence = write(self.folder / "silence.wav", array.array("h", [0] * 5 * RATE))
        self.assertIn(f"{silence}: holds no speech, so it has no voice to learn", self.bad(3, "speakers", "enroll", "nobody", silence))
        self.assertIn("holds no speech", self.bad(3, "run", DIARIZE, JFK, "--set", f"enroll=nobody={silence}"))
        self.assertIn("the enrolled names 'a' and 'b' have the same voice (cosine 1.00)",
                      self.bad(3, "run", DIARIZE, JFK, "--set", f"enroll=a={JFK},b={JFK}"))  # fmt: skip
        self.assertIn("cannot be a speaker's name", self.bad(2, "speakers", "enroll", "../x", JFK))
        self.good("speakers", "enroll", "kennedy", JFK)
        self.assertIn("has the voice of 'kennedy'", self.bad(3, "speakers", "enroll", "again", JFK))
        (self.folder / "data/npurt/speakers/kennedy.json").write_text('{"embedding": [1, "x"]}')
        self.assertIn("kennedy.json: is not a voice", self.bad(3, "speakers", "list"))

    def test_a_segment_of_two_speakers_is_split_at_the_word(self):
        for segment in self.json(MEETING, ROOT / "graphs/samples/meeting.opus")["segments"]:
            self.assertEqual({w["speaker"] for w in segment["words"]}, {segment["speaker"]})
            for word in segment["words"]:
                self.assertLessEqual(segment["start"], word["start"])
                self.assertLessEqual(word["end"], segment["end"])

    def test_senseless_bounds_are_refused(self):
        self.assertIn("min_speakers is 3, which is more than max_speakers, 2",
                      self.bad(3, "run", DIARIZE, JFK, "--set", "min_speakers=3", "--set", "max_speakers=2"))  # fmt: skip
        self.assertIn("'max_speakers' is '0'; wanted a number from 1", self.bad(3, "run", DIARIZE, JFK, "--set", "max_speakers=0"))
        self.assertIn("wanted a whole number", self.bad(3, "run", DIARIZE, JFK, "--set", "num_speakers=1.5"))


main()
