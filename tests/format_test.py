"""Every C and C++ file is as .clang-format says. Formatting differs between versions, so only version 14 (Debian 12) judges."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "14"

root = Path(sys.argv[1])
tool = shutil.which(f"clang-format-{VERSION}") or shutil.which("clang-format")
if not tool or not re.search(rf"version {VERSION}\.", subprocess.check_output([tool, "--version"], text=True)):
    print(f"skipped: no clang-format {VERSION} here")
    sys.exit(77)

folders = ["runtime", "plugins", "kernels", "tools", "tests"]
files = [str(f) for d in folders for f in sorted((root / d).rglob("*")) if f.suffix in {".cpp", ".hpp", ".h", ".c", ".cc"}]
sys.exit(subprocess.run([tool, "--dry-run", "--Werror", "--style=file", *files]).returncode)
