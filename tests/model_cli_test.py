"""npurt model list|info|verify|pull, with a table of its own and a server on this machine.

usage: model_cli_test.py ROOT BUILD
"""

import hashlib
import http.server
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT, BUILD = Path(sys.argv[1]), Path(sys.argv[2])
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def model(values=8):
    """A small safetensors file."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack(f"<{values}f", *range(values))


class Server(http.server.BaseHTTPRequestHandler):
    files, asked = {}, []

    def do_GET(self):
        data = self.files.get(self.path)
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        self.asked.append((self.path, start))
        if data is None:
            return self.send_error(404)
        if start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[start:])

    def log_message(self, *_):
        pass


class Models(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        # npurt takes the table from the prefix that it runs in.
        self.npurt = self.folder / "bin/npurt"
        self.npurt.parent.mkdir()
        shutil.copy(BUILD / "bin/npurt", self.npurt)
        (self.folder / "share/npurt/configs").mkdir(parents=True)
        (self.folder / "share/npurt/graphs").symlink_to(ROOT / "graphs")
        self.cache = self.folder / "cache"
        self.models, self.downloads = self.cache / "npurt/models", self.cache / "npurt/downloads"
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"
        Server.files, Server.asked = {}, []

    def table(self, *sources, data=model()):
        text = ["npurt: 1", "models:", "  toy:", "    help: a toy", "    licence: none", "    files:", "      toy.safetensors:",
                f"        bytes: {len(data)}", f"        sha256: {hashlib.sha256(data).hexdigest()}", "        from:"]  # fmt: skip
        for source in sources:
            text.append("          - " + (source if isinstance(source, str) else "[" + ", ".join(source) + "]"))
        (self.folder / "share/npurt/configs/models.yaml").write_text("\n".join(text) + "\n")

    def run_npurt(self, *arguments, path=None):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.cache), no_proxy="127.0.0.1")
        environment.pop("http_proxy", None)
        if path is not None:
            environment["PATH"] = path
        return subprocess.run([self.npurt, *map(str, arguments)], cwd=self.folder, env=environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def good(self, *arguments):
        done = self.run_npurt(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bad(self, code, *arguments, path=None):
        done = self.run_npurt(*arguments, path=path)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        return ADDRESS.sub("URL", done.stderr).replace(str(self.folder), "FOLDER")

    def pulled(self, data=model()):
        self.assertEqual((self.models / "toy.safetensors").read_bytes(), data)
        self.assertFalse(self.downloads.exists())

    def nothing_pulled(self):
        self.assertEqual(list(self.models.glob("*")), [])

    def test_pull_list_verify_info(self):
        Server.files["/toy"] = model()
        self.table(f"{self.url}/toy")
        self.assertEqual([(m["name"], m["state"]) for m in json.loads(self.good("model", "list", "--json"))], [("toy", "not here")])
        self.assertEqual(self.good("model", "pull", "toy"), f"{self.models}/toy.safetensors\n")
        self.pulled()
        self.assertRegex(self.good("model", "list"), r"^toy +pulled +0\.0 MB +a toy, none\n$")
        self.assertEqual(self.good("model", "pull", "toy"), f"{self.models}/toy.safetensors is here already\n")
        self.assertIn("sha256 of 1 files as published\n", self.good("model", "verify", "toy"))
        info = json.loads(self.good("model", "info", "toy", "--json"))
        self.assertEqual(info["tensors"], [{"name": "a", "dtype": "f32", "dims": [8]}])
        self.assertRegex(self.good("model", "info", "toy"), r"layout  npurt\n(.*\n)*  a +f32 +\[8\]\n$")

    def test_models_that_are_part_of_npurt(self):
        shutil.copy(ROOT / "configs/models.yaml", self.folder / "share/npurt/configs")
        rows = {m["name"]: m for m in json.loads(self.good("model", "list", "--json"))}
        for name in ("silero-vad", "speaker-encoder"):
            self.assertEqual(rows[name]["state"], "embedded")
            self.assertEqual(rows[name]["bytes"], (ROOT / f"graphs/models/{name}.safetensors").stat().st_size)
            self.assertRegex(self.good("model", "pull", name), rf"/{name}.safetensors is part of npurt\n$")
            self.assertRegex(self.good("model", "verify", name), "every tensor is whole and finite\n$")

    def test_a_download_is_continued_where_it_stopped(self):
        data = model(5000)
        Server.files["/toy"] = data
        self.table(f"{self.url}/toy", data=data)
        self.downloads.mkdir(parents=True)
        part = self.downloads / f"{hashlib.sha256(data).hexdigest()[:16]}-toy.safetensors.0.0"
        part.write_bytes(data[:7000])
        self.good("model", "pull", "toy")
        self.assertEqual(Server.asked, [("/toy", 7000)])
        self.pulled(data)

    def test_a_download_that_was_whole_already_is_used(self):
        data = model()
        Server.files["/toy"] = data
        self.table(f"{self.url}/toy")
        self.downloads.mkdir(parents=True)
        (self.downloads / f"{hashlib.sha256(data).hexdigest()[:16]}-toy.safetensors.0.0").write_bytes(data)
        self.good("model", "pull", "toy")
        self.pulled()

    def test_a_damaged_left_over_is_fetched_again(self):
        data = model(5000)
        Server.files["/toy"] = data
        self.table(f"{self.url}/toy", data=data)
        self.downloads.mkdir(parents=True)
        (self.downloads / f"{hashlib.sha256(data).hexdigest()[:16]}-toy.safetensors.0.0").write_bytes(b"x" * 7000)
        self.good("model", "pull", "toy")
        self.assertEqual(Server.asked, [("/toy", 7000), ("/toy", 0)])
        self.pulled(data)

    def test_the_next_source_is_tried_and_parts_are_joined(self):
        data = model()
        Server.files.update({"/damaged": data[:-1] + b"x", "/1": data[:10], "/2": data[10:]})
        self.table(f"{self.url}/damaged", f"{self.url}/missing", [f"{self.url}/1", f"{self.url}/missing"],
                   [f"{self.url}/1", f"{self.url}/2"])  # fmt: skip
        self.good("model", "pull", "toy")
        self.pulled()

    def test_when_no_source_is_right_each_is_named(self):
        Server.files["/damaged"] = b"damaged"
        self.table(f"{self.url}/damaged", f"{self.url}/missing", "file:///nowhere/toy", "pypi:toy==1.0")
        said = self.bad(1, "model", "pull", "toy")
        wanted, got = hashlib.sha256(model()).hexdigest(), hashlib.sha256(b"damaged").hexdigest()
        self.assertIn("error: no source gave 'toy.safetensors'\n", said)
        self.assertRegex(said, rf"tried +URL/damaged +has sha256 {got}, wanted {wanted}\n")
        self.assertRegex(said, r"tried +URL/missing +curl: \(22\) The requested URL returned error: 404")
        self.assertRegex(said, r"tried +file:///nowhere/toy +curl: \(37\) Could.*\n")
        self.assertRegex(said, r"tried +pypi:toy==1\.0 +is not pypi:PACKAGE==VERSION:PATH\n")
        self.nothing_pulled()

    def test_a_model_that_is_as_published_but_no_model_is_refused(self):
        Server.files["/toy"] = b"no model at all"
        self.table(f"{self.url}/toy", data=b"no model at all")
        self.assertIn("is neither a ggml file of whisper.cpp nor a safetensors file", self.bad(3, "model", "pull", "toy"))
        self.nothing_pulled()

    def test_missing_programs_are_named(self):
        self.table(f"{self.url}/toy", "pypi:toy==1.0:toy/toy.bin")
        programs = self.folder / "programs"
        programs.mkdir()
        said = self.bad(1, "model", "pull", "toy", path=str(programs))
        self.assertRegex(said, r"tried +URL/toy +needs curl: apt install curl\n")
        self.assertRegex(said, r"tried +pypi:toy==1\.0:toy/toy\.bin +needs python3: apt install python3\n")
        (programs / "python3").write_text("#!/bin/sh\necho '/usr/bin/python3: No module named pip' >&2\nexit 1\n")
        (programs / "python3").chmod(0o755)
        said = self.bad(1, "model", "pull", "toy", path=str(programs))
        self.assertRegex(said, r"tried +pypi:toy==1\.0:toy/toy\.bin +needs pip: apt install python3-pip\n")
        self.nothing_pulled()

    def test_a_server_that_is_not_there(self):
        self.table("http://127.0.0.1:1/toy")
        self.assertRegex(self.bad(1, "model", "pull", "toy"), r"tried +URL/toy +curl: \(7\) Failed to connect to 127\.0\.0\.1 port 1")
        self.nothing_pulled()

    def test_a_changed_model_is_not_verified(self):
        self.table("http://127.0.0.1:1/toy")
        self.models.mkdir(parents=True)
        (self.models / "toy.safetensors").write_bytes(model()[:-1] + b"\x7f")
        self.assertRegex(self.bad(3, "model", "verify", "toy"),
                         r"^error: FOLDER/cache/npurt/models/toy\.safetensors: has sha256 [0-9a-f]{64}, wanted [0-9a-f]{64}\n$")  # fmt: skip

    def test_values_that_are_not_finite_are_named(self):
        self.table("http://127.0.0.1:1/toy")
        (self.folder / "nan.safetensors").write_bytes(model()[:-4] + struct.pack("<f", float("nan")))
        self.assertEqual(self.bad(3, "model", "verify", "./nan.safetensors"),
                         "error: ./nan.safetensors: tensor 'a' holds a value that is not a number, at 7\n")  # fmt: skip

    def test_unknown_names_and_a_cache_that_cannot_be_made(self):
        self.table("http://127.0.0.1:1/toy")
        said = self.bad(2, "model", "pull", "huge")
        self.assertRegex(said, r"^error: no model is known as 'huge'\n +known +toy\n +hint ")
        said = self.bad(3, "model", "info", "huge")
        self.assertRegex(said, r"^error: model 'huge' is not found\n( +tried +FOLDER/.*/huge(\.safetensors)?\n)+ +hint +npurt model list\n$")
        self.cache.write_text("a file where the cache should be")
        self.assertRegex(self.bad(1, "model", "pull", "toy"), r"^error: .*cannot create directories.*FOLDER/cache")

    def test_a_damaged_table_is_refused_with_its_place(self):
        self.table(f"{self.url}/toy")
        table = self.folder / "share/npurt/configs/models.yaml"
        for old, new, said in ((r"bytes: \d+", "bytes: many", r"models\.yaml:8:16: error: bytes is 'many'; wanted a whole number"),
                               (r"toy\.safetensors", "../toy", r"models\.yaml:7:7: error: '\.\./toy' is not a file name"),
                               (r"    licence: none\n", "", r"models\.yaml:\d+:\d+: error: key 'licence' is missing")):  # fmt: skip
            whole = table.read_text()
            table.write_text(re.sub(old, new, whole))
            self.assertRegex(self.bad(3, "model", "list"), said)
            table.write_text(whole)


class Runs(unittest.TestCase):
    """What npurt run says of a model that is not there, or damaged."""

    def run_model(self, name, graph=ROOT / "graphs/transcribe.yaml"):
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run([BUILD / "bin/npurt", "run", graph, ROOT / "graphs/samples/jfk.wav", "--set", f"model={name}"], text=True,
                                  env=dict(os.environ, XDG_CACHE_HOME=cache), stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
        return done.stderr.replace(cache, "CACHE")

    def test_a_name_that_is_not_found(self):
        said = self.run_model("tiny.fr")
        self.assertRegex(said, r"error: model 'tiny\.fr' is not found\n")
        for place in ("CACHE/npurt/models/tiny.fr", str(ROOT / "graphs/models/tiny.fr.safetensors")):
            self.assertRegex(said, rf"tried +{re.escape(place)}\n")
        self.assertEqual(said.count("is not found"), 1)

    def test_a_path_that_is_not_there(self):
        self.assertRegex(self.run_model("/nowhere/model.bin"), r"error: model '/nowhere/model\.bin' is not found\n +tried +/nowhere/model\.bin\n")

    def test_a_damaged_file(self):
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            file.write((ROOT / "graphs/models/tiny.en.safetensors").read_bytes()[:1000000])
            file.flush()
            said = self.run_model(file.name)
            self.assertRegex(said, rf"error: {re.escape(file.name)}: tensor '.*' lies at bytes \d+ to \d+ of \d+; the file is cut short or damaged\n")
            self.assertEqual(said.count("error:"), 1)

    def test_a_model_of_another_kind(self):
        said = self.run_model(ROOT / "graphs/models/silero-vad.safetensors")
        self.assertRegex(said, r"error: model '.*silero-vad\.safetensors' has no fact 'n_\w+'\n")


if not (BUILD / "bin/npurt").exists() or not shutil.which("curl"):
    print("skipped: needs npurt and curl")
    sys.exit(77)
unittest.main(argv=[sys.argv[0]])
