"""Runs every command that a document shows.

usage: docs_test.py ROOT BUILD DOCUMENT

Each ```sh block runs under bash -euo pipefail in a scratch folder that looks like the root of the repository, in the order of the
document, with the built npurt on the PATH. Source files that are named, and files and headings that are linked, must be there. An HTML comment right before a block
changes what is done with it:
    <!-- not run: REASON -->   the block is only read
    <!-- file: NAME -->        the block's text becomes the file NAME of the scratch folder
    <!-- from: FILE -->        the block must be equal to FILE of the repository, or to a part of it
    <!-- fails: N -->          the last command must exit with N
    <!-- prints -->            the block is what the commands before it print: … stands for any text, numbers may differ
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"(?:<!-- (?P<order>[^>]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.S | re.M)

root, build, document = (Path(argument).resolve() for argument in sys.argv[1:4])
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


def as_shown(shown, printed):
    """Whether `printed` reads as the document shows it; how wide the gaps between columns are does not matter."""
    words = [re.sub(r"\d+(\\\.\d+)?", r"[0-9.]+", re.escape(word)).replace("…", ".*") for word in shown.split()]
    return re.fullmatch(r"\s+".join(words), printed.strip(), re.S) is not None


def lost_names(text):
    """Names of sources that are not there. A name with a CAPITAL word in it stands for many."""
    text = BLOCK.sub("", text)
    for name in re.findall(r"`([\w./-]+\.(?:cpp|hpp|h))`", text):
        if not re.search("[A-Z]{2}", name) and not any(str(path).endswith("/" + name) for path in sources):
            yield name


def anchors(text):
    """The headings of a document as GitHub names them in links."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def lost_links(text):
    """Links to files of the repository that lead nowhere."""
    for link in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            yield link


sources = [*(path for path in root.glob("*/**/*.*") if "build" not in path.parts), *build.glob("kernels/**/*.hpp"), *root.glob("*.md")]
failures = commands = 0
printed = ""
text = document.read_text()
for name in lost_names(text):
    print(f"{document.name}: there is no {name}")
    failures += 1
for link in lost_links(text):
    print(f"{document.name}: the link {link} leads nowhere")
    failures += 1
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
        elif order == "prints" and not as_shown(found["text"], printed):
            print(f"{where}: shows what is not printed:\n{printed}")
            failures += 1
        elif found["language"] == "sh" and order != "not run":
            wanted = int(argument) if order == "fails" else 0
            done = run(found["text"], folder)
            commands += 1
            printed = done.stdout
            if done.returncode != wanted:
                print(f"{where}: exit code {done.returncode}, wanted {wanted}, of\n{found['text']}\n{done.stdout}")
                failures += 1
print(f"{commands} blocks of commands run, {failures} failures")
sys.exit(failures > 0)
