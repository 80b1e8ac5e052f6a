"""`npurt plugin new` and `npurt plugin check`: what a plugin author gets.

usage: kit_test.py ROOT BUILD TESTCASE
"""

from command import BUILD, ROOT, Case, main, npurt

NORM = BUILD / "tests/proof/libnpurt_norm.so"
OPTIONS = ["--size", "384"] + [
    word
    for option in (f"model={ROOT}/graphs/models/tiny.en.safetensors", "weight=encoder.ln_post.weight", "bias=encoder.ln_post.bias")
    for word in ("--with", option)
]


class Kit(Case):
    def check(self, *arguments):
        done = npurt("plugin", "check", NORM, *OPTIONS, *arguments, folder=self.folder)
        stages, stage = {}, "library"
        for line in done.stdout.splitlines():
            if " of op " in line:
                stage = line.split()[0]
            elif line.startswith("  ") and line.split()[0] in {"ok", "FAIL", "skip"}:
                stages.setdefault(stage, {})[line[8:18].strip()] = line.split()[0]
        return done, stages

    def test_good_stages_pass_and_bad_ones_are_told_apart(self):
        done, stages = self.check("--reference", "cpu")
        self.assertEqual(done.returncode, 4)
        self.assertEqual(set(stages["norm:plain"].values()), {"ok"})
        self.assertLessEqual({"plan", "run", "inputs", "finite", "repeatable", "reopened", "numbers", "memory"}, set(stages["norm:plain"]))
        for wrong in ("norm:zeros", "norm:off"):
            self.assertEqual([what for what, kind in stages[wrong].items() if kind == "FAIL"], ["numbers"])
        self.assertIn("FAIL", stages["norm:faulty"].values())
        self.assertIn("the device hangs", done.stdout)
        self.assertIn("wants a device that is not here", done.stdout)

    def test_a_new_plugin_has_its_name_everywhere(self):
        self.good("plugin", "new", "echo")
        self.assertEqual({f.name for f in (self.folder / "echo").iterdir()}, {"echo.cpp", "CMakeLists.txt", "README.md"})
        self.assertIn('NPURT_PLUGIN("echo", "0.1.0", Stage)', (self.folder / "echo/echo.cpp").read_text())
        self.assertNotIn("@", (self.folder / "echo/CMakeLists.txt").read_text())
        self.assertIn("exists already", self.bad(2, "plugin", "new", "echo"))
        self.assertIn("no name for a plugin", self.bad(2, "plugin", "new", "../echo"))

    def test_what_is_no_plugin(self):
        self.assertIn("there is no file", self.bad(2, "plugin", "check", "none.so"))


main()
