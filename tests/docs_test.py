"""Runs every command that a document shows.

usage: docs_test.py ROOT BUILD DOCUMENT

Each ```sh block runs under bash -euo pipefail in a scratch folder that looks like the root of the repository, in the order of the
document, with the built npurt on the PATH. An HTML comment right before a block changes that:
    <!-- not run: REASON -->   the block is only read
    <!-- file: NAME -->        the block's text becomes the file NAME of the scratch folder
    <!-- from: FILE -->        the block must be equal to FILE of the repository, or to a part of it
    <!-- fails: N -->          the last command must exit with N
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"(?:<!-- (?P<order>[^>]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.S | re.M)

root, build, document = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
npurt = build / "bin/npurt"
if not npurt.exists():
    print(f"skipped: {npurt} is not built")
    sys.exit(77)


def scratch_folder(folder):
    for entry in root.iterdir():
        if entry.name != "build" and not entry.name.startswith(".git"):
            (folder / entry.name).symlink_to(entry)
    (folder / "build").mkdir()
    (folder / "build/release").symlink_to(build)


def run(block, folder):
    environment = dict(os.environ, PATH=f"{npurt.parent}:{os.environ['PATH']}", XDG_CACHE_HOME=str(folder / ".cache"), HOME=str(folder))
    return subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip


failures = commands = 0
text = document.read_text()
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    scratch_folder(folder)
    for found in BLOCK.finditer(text):
        where = f"{document.name}:{text[: found.start('text')].count(chr(10)) + 1}"
        order, _, argument = (found["order"] or "").partition(": ")
        if order == "file":
            target = folder / argument
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(found["text"])
        elif order == "from" and found["text"] not in (root / argument).read_text():
            print(f"{where}: differs from {argument}")
            failures += 1
        elif found["language"] == "sh" and order != "not run":
            wanted = int(argument) if order == "fails" else 0
            done = run(found["text"], folder)
            commands += 1
            if done.returncode != wanted:
                print(f"{where}: exit code {done.returncode}, wanted {wanted}, of\n{found['text']}\n{done.stdout}")
                failures += 1
print(f"{commands} blocks of commands run, {failures} failures")
sys.exit(failures > 0)
