"""`npurt verify`: a result that is what it says, and every way in which one is not.

usage: verify_test.py ROOT BUILD TESTCASE
"""

import json
import shutil

from command import BUILD, GRAPH, JFK, Case, main, npurt


class Verify(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "plugins").mkdir()
        shutil.copy(BUILD / "tests/proof/libnpurt_norm.so", self.folder / "plugins")
        self.good("run", GRAPH, JFK, "-o", "jfk.json", "--use", "encoder.ln_post=norm:plain", "--plugin-path", "plugins")
        self.result = json.loads((self.folder / "jfk.json").read_text())

    def verify(self, code):
        (self.folder / "changed.json").write_text(json.dumps(self.result))
        done = npurt("verify", "changed.json", "--plugin-path", "plugins", folder=self.folder)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_a_result_says_where_it_comes_from(self):
        self.assertRegex(self.verify(0), r"^as it says: transcribe: \d+ nodes, .* on cpu, 2 on io, [0-9a-f]{16}\n$")
        self.assertEqual({p["time"] for p in self.result["placement"]}, {"measured"})
        self.assertEqual(self.result["timing"]["time"], "measured")
        plugins = {p["name"]: p for p in self.result["origin"]["plugins"]}
        self.assertEqual(set(plugins), {"audio", "vad", "cpu", "decoder", "norm"})
        self.assertRegex(plugins["norm"]["hash"], "^[0-9a-f]{16}$")

    def test_another_library_of_the_same_version_is_seen(self):
        with (self.folder / "plugins/libnpurt_norm.so").open("ab") as library:
            library.write(b"\0")
        self.assertRegex(self.verify(1), r"^differs: plugin norm: 1\.0\.0 \([0-9a-f]+\) then, 1\.0\.0 \([0-9a-f]+\) now\n$")

    def test_other_placements_and_claims_are_seen(self):
        row = next(p for p in self.result["placement"] if p["node"] == "encoder.ln_post")
        row["use"] = "npu_norm"
        row["time"] = "modelled"
        self.result["timing"]["realtime_factor"] *= 2
        self.result["origin"]["npurt"] = "0.9.0"
        said = self.verify(1)
        self.assertIn("differs: npurt: 0.9.0 then", said)
        self.assertIn("differs: node encoder.ln_post: npu_norm on cpu then (first choice), norm:plain on cpu now (first choice)", said)
        self.assertIn("differs: claim: node encoder.ln_post is said to be modelled, but its time is measured", said)
        self.assertRegex(said, r"differs: claim: [\d.]+x realtime, but ")

    def test_what_is_no_result(self):
        (self.folder / "jfk.txt").write_text("{}")
        self.assertIn("is no result with a placement table", self.bad(3, "verify", "jfk.txt"))
        self.assertIn("cannot open", self.bad(2, "verify", "none.json"))
        del self.result["origin"]["graph"]
        (self.folder / "changed.json").write_text(json.dumps(self.result))
        self.assertIn("changed.json: error: does not say how it was made", self.bad(3, "verify", "changed.json"))


main()
