"""Word times against synthetic speech whose phone times are exact.

usage: words_test.py ROOT BUILD TESTCASE
"""

import json
import re
import shutil
import statistics
import sys

from command import GRAPH, ROOT, Case, main

sys.path.insert(0, str(ROOT / "tools/bench"))
import synthetic  # noqa: E402

TEXTS = {
    "slt": "Tell me what you think about this house. My brother has a large garden, and he works there every morning.",
    "rms": "The children walked along the river until they found a bridge. They were tired, but nobody wanted to go home.",
    "awb": "We cannot leave before the rain stops.",
}


class Words(Case):
    def heard(self, *more):
        files = [self.folder / f"{voice}.wav" for voice in TEXTS]
        self.good("run", GRAPH, *files, "-o", str(self.folder) + "/", "--format", "json", *more)
        return {file.stem: json.loads(file.with_suffix(".json").read_text()) for file in files}

    def test_words_are_where_they_are_spoken(self):
        truth = {voice: synthetic.say(text, self.folder / f"{voice}.wav", voice) for voice, text in TEXTS.items()}
        errors = []
        for voice, found in self.heard("--set", "words=true").items():
            words = [w for s in found["segments"] for w in s["words"]]
            self.assertEqual("".join(w["word"] for w in words).strip(), found["text"])
            last = 0
            for segment in found["segments"]:
                for w in segment["words"]:
                    self.assertLessEqual(last, w["start"])
                    self.assertLessEqual(segment["start"], w["start"])
                    self.assertLessEqual(w["start"], w["end"])
                    self.assertLessEqual(w["end"], segment["end"])
                    last = w["end"]
            said = [re.sub("[^a-z']", "", w["word"].lower()) for w in words]
            self.assertEqual(said, [w for w, *_ in truth[voice]])
            for (_, start, end), w in zip(truth[voice], words):
                errors += [abs(start - w["start"]), abs(end - w["end"])]
        self.assertLess(statistics.mean(errors), 0.08)
        self.assertLess(max(errors), 0.6)

    def test_nobody_who_did_not_ask_is_given_words(self):
        synthetic.say(TEXTS["awb"], self.folder / "awb.wav", "awb")
        found = json.loads(self.good("run", GRAPH, self.folder / "awb.wav", "--format", "json").stdout)
        self.assertEqual([s["words"] for s in found["segments"]], [[] for _ in found["segments"]])


if not shutil.which("flite"):
    print("skipped: flite is not installed")
    sys.exit(77)
main()
