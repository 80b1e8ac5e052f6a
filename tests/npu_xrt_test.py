"""XRT, unmodified, over the virtual driver: in a root that tools/vnpu/root made (tools/vnpu/check runs this there).

usage: npu_xrt_test.py ROOT BUILD [TESTCASE…]
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT, BUILD = Path(sys.argv[1]), Path(sys.argv[2])
GRAPH, JFK = ROOT / "graphs/transcribe.yaml", ROOT / "graphs/samples/jfk.wav"
DRIVER = BUILD / "lib/libvnpu.so"
DESIGNS = Path(tempfile.mkdtemp(prefix="npurt-designs-"))
atexit.register(shutil.rmtree, DESIGNS, ignore_errors=True)
FC1 = ("--use", "mel=cpu", "--use", "encoder.*=cpu", "--use", "encoder.*.fc1=npu_matmul:i8,cpu")
ON_NPU = [word for node in ("mel", "encoder.*.qkv", "encoder.*.attn", "encoder.*.out", "encoder.*.fc1", "encoder.*.fc2")
          for word in ("--require", f"{node}=npu")]  # fmt: skip


PATIENT = {"NPURT_NPU_DEADLINE": "120000"}  # a simulator has no deadline to keep


def virtual(*command, **environment):
    """Runs a command with the virtual driver under it."""
    return subprocess.run([*map(str, command)], text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=900,
                          env=dict(os.environ, LD_PRELOAD=str(DRIVER), NPURT_NPU_DESIGNS=str(DESIGNS), **environment))  # fmt: skip


def npurt(*arguments, **environment):
    return virtual(BUILD / "bin/npurt", *arguments, **environment)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([BUILD / "bin/npurt-npu-designs", DESIGNS], check=True, stdout=subprocess.DEVNULL)
        cls.words = npurt("run", GRAPH, JFK, "--npu", "off").stdout.split()

    def run_json(self, *arguments, **environment):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out.json")
            done = npurt("run", GRAPH, JFK, "-o", out, "--npu", "xrt", *arguments, **environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(out.read_text()), done.stderr


class Same(Case):
    def test_xrts_own_tool_lists_the_device(self):
        listed = virtual("xrt-smi", "examine")
        self.assertIn("0000:c7:00.1", listed.stdout)
        self.assertIn("RyzenAI-npu1", listed.stdout)

    def test_the_transcript_is_the_same(self):
        self.assertGreater(len(self.words), 20)
        for syncobj in ("0", "1"):  # waiting by sequence number, and as the kernel's own driver has it
            document, _ = self.run_json(*ON_NPU, "--set", "precision=int8", VNPU_SYNCOBJ=syncobj, **PATIENT)
            self.assertEqual(document["text"].split(), self.words)
            on_npu = [n for n in document["timing"]["nodes"] if n.get("launches")]
            self.assertEqual(len(on_npu), 21)  # mel, and five in each layer

    def test_the_transcript_is_the_same_with_layers_taken_whole(self):
        for syncobj in ("0", "1"):
            document, _ = self.run_json(*ON_NPU, "--require", "encoder.blocks=npu_layer", VNPU_SYNCOBJ=syncobj, **PATIENT)
            self.assertEqual(document["text"].split(), self.words)
            launches = [n["launches"] for n in document["timing"]["nodes"] if n.get("launches")]
            self.assertEqual(launches, [2, 7, 7, 7, 7])  # mel's, and a list for each layer

    def test_lists_of_runs(self):
        test = BUILD / "bin/npu_list_test"
        done = virtual(test, NPURT_TEST_NPU="xrt", **PATIENT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_several_processes_at_once(self):
        words = ("run", GRAPH, JFK, "--npu", "xrt", "--quiet", *FC1)
        environment = dict(os.environ, LD_PRELOAD=str(DRIVER), NPURT_NPU_DESIGNS=str(DESIGNS), **PATIENT)
        both = [subprocess.Popen([BUILD / "bin/npurt", *words], stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
        for process in both:
            self.assertEqual(process.communicate()[0].split(), self.words)


class Faults(Case):
    def test_a_fault_while_running_ends_in_a_transcript(self):
        for fault, reason in (("error@3", "ERROR"), ("abort@3", "ABORT"), ("lost@2", "No such device"), ("wrong@2", "wrong product"),
                              ("hang@2", "TIMEOUT")):  # fmt: skip
            for syncobj in ("0", "1"):
                with self.subTest(fault, syncobj=syncobj):
                    self.expect_fallback(reason, NPURT_NPU_FAULTS=fault, VNPU_SYNCOBJ=syncobj, **PATIENT)

    def test_the_clients_own_deadline_comes_first(self):
        for fault in ("hang@2", "slow@2"):
            for syncobj in ("0", "1"):
                with self.subTest(fault, syncobj=syncobj):
                    self.expect_fallback("did not end in 1500 ms", NPURT_NPU_FAULTS=fault, VNPU_SYNCOBJ=syncobj, NPURT_NPU_DEADLINE="1500")

    def expect_fallback(self, reason, **environment):
        document, said = self.run_json(*FC1, **environment)
        self.assertEqual(document["text"].split(), self.words)
        self.assertIn("after fault: npu_matmul:i8", json.dumps(document["placement"]))
        self.assertIn(reason, said)

    def test_strict_ends_in_exit_5(self):
        strict = ("--strict", "--use", "mel=cpu", "--use", "encoder.*=cpu", "--use", "encoder.*.fc1=npu_matmul:i8")
        done = npurt("run", GRAPH, JFK, "--npu", "xrt", *strict, NPURT_NPU_FAULTS="error@2", **PATIENT)
        self.assertEqual(done.returncode, 5, done.stderr)

    def test_a_device_that_fails_its_self_test_is_refused(self):
        for fault, reason in (("zeros", "gave only zeros"), ("nan", "gave NaN"), ("wrong", "wrong values"), ("memory", "Cannot allocate memory"),
                              ("contexts", "CREATE_HWCTX")):  # fmt: skip
            with self.subTest(fault):
                done = npurt("plan", GRAPH, "--npu", "xrt", "--require", "encoder.*.fc1=npu", NPURT_NPU_FAULTS=fault, **PATIENT)
                self.assertEqual(done.returncode, 6, done.stderr)
                self.assertIn(reason, done.stderr)


class Xclbin(Case):
    MEMORIES = {"mem_topology": {"m_count": "2", "m_mem_data": [
        {"m_type": "MEM_DRAM", "m_used": "1", "m_sizeKB": size, "m_tag": name, "m_base_address": "0x4000000"}
        for name, size in (("HOST", "0x10000"), ("SRAM", "0xc000"))]}}  # fmt: skip
    KERNEL = {"ps-kernels": {"kernels": [{"name": "MLIR_AIE", "type": "dpu", "instances": [{"name": "MLIRAIE"}],
        "extended-data": {"subtype": "DPU", "functional": "0", "dpu_kernel_id": "0x901"},
        "arguments": [{"name": "opcode", "address-qualifier": "SCALAR", "type": "uint64_t", "offset": "0x00"},
                      {"name": "instr", "memory-connection": "SRAM", "address-qualifier": "GLOBAL", "type": "char *", "offset": "0x08"},
                      {"name": "ninstr", "address-qualifier": "SCALAR", "type": "uint32_t", "offset": "0x10"}]
        + [{"name": f"bo{i}", "memory-connection": "HOST", "address-qualifier": "GLOBAL", "type": "void*", "offset": hex(0x14 + 8 * i)}
           for i in range(3)]}]}}  # fmt: skip
    PARTITION = {"aie_partition": {"name": "QoS", "operations_per_cycle": "2048", "inference_fingerprint": "23423", "pre_post_fingerprint": "12345",
        "partition": {"column_width": 4, "start_columns": [1]},
        "PDIs": [{"uuid": "00000000-0000-0000-0000-000000000000", "file_name": "./gemm_i8.pdi", "cdo_groups": [
            {"name": "DPU", "type": "PRIMARY", "pdi_id": "0x01", "dpu_kernel_ids": ["0x901"], "pre_cdo_groups": ["0xC1"]}]}]}}  # fmt: skip

    def tool(self, *arguments):
        done = subprocess.run(["xclbinutil", *arguments, "--force", "--quiet"], cwd=DESIGNS, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_is_xclbinutils_section_by_section(self):
        for name, what in (("memories", self.MEMORIES), ("kernel", self.KERNEL), ("partition", self.PARTITION)):
            (DESIGNS / f"{name}.json").write_text(json.dumps(what))
        self.tool("--add-replace-section", "MEM_TOPOLOGY:JSON:memories.json", "--add-kernel", "kernel.json",
                  "--add-replace-section", "AIE_PARTITION:JSON:partition.json", "--output", "theirs.xclbin")  # fmt: skip
        for section in ("MEM_TOPOLOGY", "CONNECTIVITY", "IP_LAYOUT", "EMBEDDED_METADATA"):
            dumps = []
            for whose in ("gemm_i8", "theirs"):
                self.tool("--input", f"{whose}.xclbin", "--dump-section", f"{section}:RAW:{whose}.{section}")
                dumps.append((DESIGNS / f"{whose}.{section}").read_bytes())
            if section == "EMBEDDED_METADATA":
                dumps = [xml.canonicalize(d.decode().rstrip("\0"), strip_text=True) for d in dumps]
            self.assertEqual(*dumps, section)
        pdis, partitions = [], []
        for whose in ("gemm_i8", "theirs"):
            folder = DESIGNS / f"{whose}.partition"
            folder.mkdir()
            self.tool("--input", f"{whose}.xclbin", "--dump-section", f"AIE_PARTITION:JSON:{folder}/partition.json")
            partition = json.loads((folder / "partition.json").read_text())
            for pdi in partition["aie_partition"]["PDIs"]:
                pdis.append((folder / Path(pdi.pop("file_name")).name).read_bytes())
            partitions.append(partition)
        self.assertEqual(*partitions)
        self.assertEqual(*pdis)
        self.assertEqual(pdis[0], (DESIGNS / "gemm_i8.pdi").read_bytes())


if not (Path("/dev/accel/accel0").is_file() and DRIVER.exists()):
    print("skipped: this is no root that tools/vnpu/root made, or libvnpu.so is not built")
    sys.exit(77)
unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
