"""tools/build-kernels, with this machine's compiler in the place of the cores': every kernel compiles by itself, with C names.

usage: build_kernels_test.py ROOT BUILD
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT, BUILD = Path(sys.argv[1]), Path(sys.argv[2])


def build(folder, **environment):
    return subprocess.run([ROOT / "tools/build-kernels", BUILD, folder], text=True, capture_output=True, env=dict(os.environ, **environment))


class BuildKernels(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)

    def test_every_kernel_is_an_object_with_its_functions(self):
        compiler = self.path / "bin/clang++"
        compiler.parent.mkdir()
        compiler.write_text('#!/bin/bash\nexec c++ -D__AIENGINE__ -Wno-psabi "${@:2}"\n')
        compiler.chmod(0o755)
        done = build(self.path / "out", PEANO=str(self.path), AIE_API=str(ROOT / "kernels/include"))
        self.assertEqual(done.returncode, 0, done.stderr)
        objects = done.stdout.split()
        self.assertEqual(len(objects), len(list(ROOT.glob("kernels/*/*/kernel.yaml"))))
        names = subprocess.check_output(["nm", *objects], text=True)
        for function in ("matmul_i8", "matmul_bf16_clear", "attention_bf16_add", "layer_norm_bf16", "gelu_bf16", "softmax_bf16", "encoder_layer_bf16_add"):
            self.assertIn(f" T {function}\n", names)

    def test_without_the_compiler_it_says_what_is_missing(self):
        done = build(self.path, PEANO="/nonexistent")
        self.assertEqual(done.returncode, 6)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("/nonexistent/bin/clang++", done.stderr)


unittest.main(argv=[sys.argv[0]])
