"""--trace: the file is Chrome's Trace Event Format as Perfetto reads it, and says what really happened.

usage: trace_test.py ROOT BUILD TESTCASE
"""

import json
import signal
import subprocess
from collections import Counter, defaultdict

from command import BUILD, GRAPH, JFK, NPURT, Case, main

NEEDED = {
    "M": {"name", "pid", "args"},
    "X": {"name", "cat", "ts", "dur", "pid", "tid", "args"},
    "i": {"name", "cat", "ts", "pid", "tid", "s", "args"},
    "C": {"name", "ts", "pid", "args"},
    "b": {"name", "cat", "id", "ts", "pid", "args"},
    "e": {"name", "cat", "id", "ts", "pid"},
}


class Trace(Case):
    def trace(self, *arguments):
        self.good("run", GRAPH, *arguments, "--trace", "trace.json", "--report", "report.json")
        document = json.loads((self.folder / "trace.json").read_text())
        self.check_format(document)
        return document["traceEvents"], json.loads((self.folder / "report.json").read_text())["runs"]

    def check_format(self, document):
        """The rules of the format that importers drop events for."""
        ends, slices = defaultdict(list), defaultdict(list)
        for e in document["traceEvents"]:
            self.assertLessEqual(NEEDED[e["ph"]], set(e), e)
            self.assertIsInstance(e["args"], dict)
            if e["ph"] != "M":
                self.assertGreaterEqual(e["ts"], 0)
            if e["ph"] in "be":
                ends[e["cat"], e["id"]].append((e["ph"], e["ts"]))
            elif e["ph"] == "X":
                self.assertGreaterEqual(e["dur"], 0)
                slices[e["pid"], e["tid"]].append((e["ts"], e["ts"] + e["dur"]))
            elif e["ph"] == "C":
                self.assertTrue(all(isinstance(v, (int, float)) for v in e["args"].values()) and e["args"])
        for pair in ends.values():
            self.assertEqual([phase for phase, _ in pair], ["b", "e"])
            self.assertLessEqual(pair[0][1], pair[1][1])
        for track in slices.values():  # slices of a thread nest or follow, they never cross
            open_ends = []
            for begin, end in sorted(track, key=lambda s: (s[0], -s[1])):
                while open_ends and open_ends[-1] <= begin:
                    open_ends.pop()
                self.assertTrue(not open_ends or end <= open_ends[-1] + 1)
                open_ends.append(end)

    def test_calls_are_those_of_the_report(self):
        events, (run,) = self.trace(JFK)
        calls = Counter(e["name"] for e in events if e["ph"] == "X")
        self.assertEqual(calls, {n["node"]: n["calls"] for n in run["timing"]["nodes"]})
        for node in run["timing"]["nodes"]:
            spent = sum(e["dur"] for e in events if e["ph"] == "X" and e["name"] == node["node"]) / 1e6
            self.assertAlmostEqual(spent, node["wall_s"], delta=1e-4 + 1e-3 * node["wall_s"])
        use = {p["node"]: p["use"] for p in run["placement"]}
        self.assertTrue(all(e["args"]["use"] == use[e["name"]] for e in events if e["ph"] == "X"))

    def test_lanes_windows_and_queues(self):
        events, _ = self.trace(JFK)
        lanes = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
        self.assertEqual(sorted(lanes.values()), ["lane cpu", "lane io"])
        self.assertLessEqual({e["tid"] for e in events if e["ph"] == "X"}, set(lanes))
        self.assertEqual([e["args"] for e in events if e["ph"] == "b" and e["name"] == "windows"], [{"packet": 0}])
        at = [e["args"]["at"] for e in events if e["name"] == "windows" and "at" in e["args"]]
        self.assertEqual(at[0]["id"], 0)
        depths = defaultdict(list)
        for e in events:
            if e["ph"] == "C":
                depths[e["name"]].append(e["args"]["packets"])
        self.assertIn("queue mel.audio", depths)
        for name, depth in depths.items():
            self.assertEqual(depth[-1], 0, name)
            self.assertGreaterEqual(max(depth), 1, name)

    def test_each_input_is_a_process_and_no_text_is_in_it(self):
        events, runs = self.trace(JFK, JFK)
        names = [e["args"]["name"] for e in events if e["name"] == "process_name"]
        self.assertEqual(names, [f"transcribe {JFK}"] * 2)
        self.assertEqual(len({e["pid"] for e in events}), len(runs))
        self.assertNotIn("country", (self.folder / "trace.json").read_text())

    def test_faults_and_log_lines_are_moments(self):
        events, (run,) = self.trace(JFK, "--plugin-path", BUILD / "tests/proof", "--use", "encoder.ln_post=norm:faulty,cpu")
        moments = [(e["cat"], e["name"]) for e in events if e["ph"] == "i"]
        self.assertEqual(moments, [("log", "about to fail"), ("fault", "fault: " + run["fallbacks"][0])])
        calls = [(e["args"]["use"], e["args"].get("came_to")) for e in events if e["ph"] == "X" and e["name"] == "encoder.ln_post"]
        self.assertEqual(calls, [("norm:faulty", "fault"), ("cpu", None)])

    def test_a_cancelled_run_says_so(self):
        process = subprocess.Popen([NPURT, "run", GRAPH, *[JFK] * 200, "-q", "--trace", "trace.json"], cwd=self.folder,
                                   stdout=subprocess.PIPE)  # fmt: skip
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
        self.assertEqual(process.returncode, 130)
        document = json.loads((self.folder / "trace.json").read_text())
        self.check_format(document)
        last = max(e["pid"] for e in document["traceEvents"])
        self.assertIn((last, "cancelled"), {(e["pid"], e["name"]) for e in document["traceEvents"] if e["ph"] == "i"})


main()
