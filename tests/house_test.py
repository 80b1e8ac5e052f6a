"""The rules of the house: who may know whom, one vendor in one place, what lies at the top, how long files are.

usage: house_test.py ROOT. Prints one line for each breach; docs/architecture.md says why each rule is there.
"""

import re
import sys
from pathlib import Path

TOP = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CONTRIBUTING.md", "runtime", "plugins", "kernels",
       "graphs", "configs", "tests", "tools", "docs"}
NOT_OURS = {"build", ".git", ".cache", "__pycache__", "shared"}
CODE = {".cpp", ".hpp", ".h", ".c", ".cc"}
LONGEST = 400
BINARY_MB, BINARIES_MB = 45, 80
FORBIDDEN_NAMES = re.compile(r"(?:class|struct)\s+\w*(Manager|Helper|Util|Utils|Impl|Base)\b")

# header of a library -> the files that may include it.
VENDORS = {
    r"yaml-cpp/": r"runtime/src/(yaml|config|graph)[^/]*\.(cpp|hpp)",
    r"boost/dll": r"runtime/src/(catalog|library)[^/]*\.(cpp|hpp)|plugins/audio/ffmpeg\.cpp",
    r"boost/(?!dll)": r"$^",
    r"spdlog/": r"runtime/src/host[^/]*\.(cpp|hpp)",
    r"sndfile|soxr|libav|libsw": r"plugins/audio/.*",
    r"dnnl|oneapi/": r"plugins/cpu/[^/]*dnn[^/]*\.hpp",
    r"zlib": r"plugins/decoder/.*",
    r"xrt/": r"plugins/npu/[^/]*xrt[^/]*",
    r"nlohmann/": r"(runtime/src|plugins/decoder|plugins/audio|plugins/vad|plugins/diarizer|tools|tests)/.*",
    r"CLI/": r"tools/npurt/.*",
    r"catch": r"tests/.*",
}
# folder -> the npurt headers that its files may include, besides those of their own folder.
KNOWS = {
    "plugins": r"npurt/plugin\.hpp",
    "tools": r"npurt/runtime\.hpp",
}


def files(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not NOT_OURS & set(parts) and not parts[0].startswith("build"):
            yield path, "/".join(parts)


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line):
            yield number, found[1], found[2]


def own(root, path, header):
    """Whether header lies in the part that path belongs to: plugins/cpu, tools/npurt, runtime."""
    parts = path.relative_to(root).parts
    part = root.joinpath(*parts[: 1 if parts[0] == "runtime" else 2])
    return any((folder / header).resolve().is_relative_to(part) and (folder / header).exists() for folder in (path.parent, part))


def check_includes(root, path, name, text):
    top = name.split("/")[0]
    for line, mark, header in includes(text):
        where = f"{name}:{line}: "
        for vendor, allowed in VENDORS.items():
            if re.match(vendor, header) and not re.fullmatch(allowed, name):
                yield f"{where}{header} belongs to {allowed}"
        if top in KNOWS and header.startswith("npurt/") and not re.fullmatch(KNOWS[top], header):
            yield f"{where}{top} may include only {KNOWS[top]}, not {header}"
        if top in {"runtime", "plugins", "tools"} and mark == '"' and not own(root, path, header) \
                and f'__has_include("{header}")' not in text:
            yield f"{where}{header} is not of this folder"


def check_text(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        for word in ("/wor" + "k/", "TO" + "DO", "FIX" + "ME"):
            if word in line:
                yield f"{name}:{number}: holds '{word}'"
    if name.startswith(("runtime/", "plugins/", "tools/")):
        for found in FORBIDDEN_NAMES.finditer(text):
            yield f"{name}: '{found[0]}' is a name that says nothing"


def check_length(name, text):
    lines = text.count("\n")
    if lines > LONGEST and "lines because" not in text[:2000]:
        yield f"{name}: {lines} lines; above {LONGEST} its head must say '… lines because …'"


def main():
    root = Path(sys.argv[1]).resolve()
    breaches, binaries = [], 0
    present = {p.name for p in root.iterdir() if not p.name.startswith(".") and p.name not in NOT_OURS}
    breaches += [f"{name}: not a folder or file of the top level" for name in sorted(present - TOP)]
    for path, name in files(root):
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            binaries += len(data)
            if len(data) > BINARY_MB * 1000000:
                breaches.append(f"{name}: {len(data) / 1e6:.0f} MB; at most {BINARY_MB}")
            continue
        text = data.decode("utf-8", "replace")
        if path.suffix in CODE:
            breaches += check_includes(root, path, name, text)
            breaches += check_length(name, text)
        if path.suffix in CODE | {".py", ".cmake", ".md", ".yaml", ".txt", ""} and not name.startswith("tests/data/"):
            breaches += check_text(name, text)
    if binaries > BINARIES_MB * 1000000:
        breaches.append(f"binary files take {binaries / 1e6:.0f} MB; at most {BINARIES_MB}")
    print("\n".join(breaches) or "the house is in order")
    return 1 if breaches else 0


sys.exit(main())
