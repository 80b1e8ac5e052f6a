"""`npurt plugin new` and `npurt plugin check`: what a plugin author gets.

usage: kit_test.py ROOT BUILD TESTCASE
"""

import os
import shutil
import subprocess

from command import BUILD, GRAPH, JFK, ROOT, Case, main, npurt

# AddressSanitizer keeps what is freed, and 256 MB of that look like a leak.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"

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

    def install(self):
        prefix = self.folder / "installed"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        return prefix

    def build(self, source, prefix, **environment):
        """Builds a plugin against an installation; the folder it is in."""
        build = self.folder / "plugin"
        for command in ["cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"], ["cmake", "--build", build]:
            done = subprocess.run(command, env={**os.environ, **environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, 0, done.stdout)
        return build

    def louder(self):
        """The transcript by a graph that uses the example's op, and who ran that."""
        text = GRAPH.read_text().replace("nodes:\n", "nodes:\n  louder: {op: normalize, in: wav.audio, with: {peak: 0.5}}\n")
        for name in "blocks", "models":
            (self.folder / name).symlink_to(ROOT / "graphs" / name)
        (self.folder / "louder.yaml").write_text(text.replace("in: wav.audio, use: vad", "in: louder.audio, use: vad"))
        done = self.good("run", "louder.yaml", JFK, "--plugin-path", "plugin", "--use", "louder=example")
        self.assertRegex(done.stderr, r"normalize +1 +example +cpu")
        return done.stdout

    def test_an_installation_stands_alone(self):
        prefix = self.install()
        for file in ("bin/npurt", "libexec/npurt/isolated", "include/npurt/plugin.hpp", "share/npurt/graphs/transcribe.yaml",
                     "share/man/man1/npurt-plugin-check.1", "share/bash-completion/completions/npurt"):  # fmt: skip
            self.assertTrue((prefix / file).is_file(), file)
        done = subprocess.run([prefix / "bin/npurt", "run", "transcribe", JFK, "--isolate", "speech"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)  # fmt: skip
        self.assertIn("ask not what your country", done.stdout, done.stderr)
        self.assertIn(r"\fB\-\-use\fR NODE=CAND", (prefix / "share/man/man1/npurt-run.1").read_text())
        complete = f"source {prefix}/share/bash-completion/completions/npurt; COMP_WORDS=(npurt plugin check --ref); COMP_CWORD=3; _npurt"
        done = subprocess.run(["bash", "-c", complete + "; echo ${COMPREPLY[@]}"], text=True, stdout=subprocess.PIPE)
        self.assertEqual(done.stdout, "--reference\n")

    def test_a_plugin_built_by_pkg_config(self):
        pc = next(self.install().rglob("npurt.pc"))
        flags = subprocess.run(["pkg-config", "--cflags", "npurt"], env={**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}, check=True,
                               text=True, stdout=subprocess.PIPE).stdout.split()  # fmt: skip
        (self.folder / "plugin").mkdir()
        subprocess.run(["c++", "-std=c++20", "-shared", "-fPIC", *flags, ROOT / "plugins/example/normalize.cpp", "-o",
                        self.folder / "plugin/libnpurt_example.so"], check=True)  # fmt: skip
        self.assertIn("ask not what your country", self.louder())

    def test_a_plugin_of_another_compiler_and_library(self):
        (self.folder / "try.cpp").write_text("#include <string>\nint main() { return std::string().size(); }\n")
        tried = subprocess.run(["clang++", "-stdlib=libc++", "try.cpp", "-o", "try"], cwd=self.folder, stderr=subprocess.PIPE) if shutil.which("clang++") else None
        if not tried or tried.returncode:
            self.skipTest("there is no clang++ with libc++")
        build = self.build(ROOT / "plugins/example", self.install(), CXX="clang++", CXXFLAGS="-stdlib=libc++")
        needed = subprocess.run(["readelf", "-d", build / "libnpurt_example.so"], check=True, text=True, stdout=subprocess.PIPE).stdout
        self.assertIn("libc++.so", needed)
        self.assertNotIn("libstdc++", needed)
        self.assertIn("ask not what your country", self.louder())
        self.assertIn("passed", self.good("plugin", "check", build / "libnpurt_example.so").stdout)

    def test_from_nothing_to_a_plugin_in_use(self):
        prefix = self.install()
        self.good("plugin", "new", "echo")
        build = self.build(self.folder / "echo", prefix)
        done = subprocess.run(["ctest", "--test-dir", build], text=True, stdout=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stdout)
        for name in "blocks", "models":
            (self.folder / name).symlink_to(ROOT / "graphs" / name)
        text = GRAPH.read_text().replace("nodes:\n", "nodes:\n  same: {op: echo, in: mel.features, with: {by: 1}}\n")
        (self.folder / "own.yaml").write_text(text.replace("in: mel.features\n", "in: same.y\n"))
        done = self.good("run", "own.yaml", JFK, "--plugin-path", build, "--use", "same=echo")
        self.assertRegex(done.stderr, r"echo +1 +echo +cpu")
        self.assertIn("ask not what your country", done.stdout)

    def test_what_is_no_plugin(self):
        self.assertIn("there is no file", self.bad(2, "plugin", "check", "none.so"))


main()
