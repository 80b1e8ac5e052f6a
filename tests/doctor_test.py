"""`npurt doctor` on the machine it runs on.

usage: doctor_test.py ROOT BUILD TESTCASE
"""

import getpass
import json
import os
import socket

from command import BUILD, Case, main, npurt


class Doctor(Case):
    def doctor(self, *options):
        done = npurt("doctor", "--json", *options, folder=self.folder)
        found = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if found["problems"] else 0, done.stderr)
        return {f["area"]: f for f in found["findings"]}

    def test_the_self_test_transcribes_the_sample(self):
        found = self.doctor()
        self.assertEqual(found["self-test"]["state"], "ok", found)
        self.assertRegex(found["self-test"]["text"], r"22 words, [01] wrong; 11.0 s audio in ")
        self.assertIn("libdnnl.so.", found["oneDNN"]["text"])
        self.assertEqual((found["plugins"]["state"], found["model"]["state"]), ("ok", "ok"))
        self.assertIn("decoder", found["plugins"]["text"])

    def test_what_is_broken_is_a_problem(self):
        (self.folder / "plugins").mkdir()
        (self.folder / "plugins/libnpurt_bad.so").write_text("no library")
        models = self.folder / "cache/npurt/models/tiny.en"
        models.mkdir(parents=True)
        (models / "config.json").write_text("{")
        os.environ["XDG_CACHE_HOME"] = str(self.folder / "cache")
        self.addCleanup(os.environ.pop, "XDG_CACHE_HOME")
        found = self.doctor("--plugin-path", "plugins")
        self.assertEqual(found["plugin"]["state"], "problem")
        self.assertIn("libnpurt_bad.so", found["plugin"]["text"])
        done = npurt("doctor", folder=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"PROBLEM  model .*tiny.en: .*\n +fix: npurt model pull tiny.en\n")

    def test_a_bundle_has_no_names(self):
        self.doctor("--bundle", "bug.json")
        text = (self.folder / "bug.json").read_text()
        found = json.loads(text)
        self.assertIn("encoder.ln_post", [n["node"] for n in found["plan"]["nodes"]])
        for name in getpass.getuser(), socket.gethostname(), os.environ.get("HOME", ""):
            if len(name) > 1:
                self.assertNotRegex(text, rf"(?<![\w-]){name}(?![\w-])")


main()
