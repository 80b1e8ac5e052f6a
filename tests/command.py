"""What tests of the command line share: running it, and what its exit code and streams must be.

usage of each: SCRIPT ROOT BUILD TESTCASE
"""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT, BUILD = Path(sys.argv[1]), Path(sys.argv[2])
NPURT = BUILD / "bin/npurt"
GRAPH = ROOT / "graphs/transcribe.yaml"
JFK = ROOT / "graphs/samples/jfk.wav"


def npurt(*arguments, folder=None):
    return subprocess.run([NPURT, *map(str, arguments)], cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)  # fmt: skip


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def good(self, *arguments):
        done = npurt(*arguments, folder=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def bad(self, code, *arguments):
        """Wanted: this exit code, nothing on stdout, and one error. Returns stderr."""
        done = npurt(*arguments, folder=self.folder)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(re.findall(r"\berror: ", done.stderr)), 1, done.stderr)
        return done.stderr


def main():
    if not NPURT.exists():
        print(f"skipped: {NPURT} is not built")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
