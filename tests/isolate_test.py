"""`--isolate` and `isolate:`: whatever a stage does to its process, the run ends with the transcript, by the next candidate.

usage: isolate_test.py ROOT BUILD TESTCASE
"""

import json

from command import BUILD, GRAPH, JFK, ROOT, Case, main

ENDS = {
    "segv": "its process ended: Segmentation fault",
    "killed": "its process ended: Killed",
    "aborts": "its process ended: Aborted",
    "leaves": "its process ended with exit code 3",
    "loops": "its process gave no sign of life for 3 s",
    "leaks": "its process has taken another GiB of memory",
    "scribbles": "its process ended: Segmentation fault",
}


class Isolate(Case):
    def transcribe(self, *options, graph=GRAPH):
        done = self.good("run", graph, JFK, "--plugin-path", BUILD / "tests/proof", "--report", "report.json", *options)
        return done.stdout, json.loads((self.folder / "report.json").read_text())["runs"][0]

    def setUp(self):
        super().setUp()
        self.words, _ = self.transcribe()
        self.assertIn("ask not what your country", self.words)

    def test_every_end_of_a_child_is_a_fault(self):
        for kernel, end in ENDS.items():
            with self.subTest(kernel):
                words, run = self.transcribe("--use", f"encoder.ln_post=doom:{kernel},cpu", "--isolate",
                                             f"encoder.ln_post={3 if kernel == 'loops' else 30}")  # fmt: skip
                self.assertEqual(words, self.words)
                self.assertEqual(run["fallbacks"], [f"encoder.ln_post: doom:{kernel} failed ({end}); cpu took over"])

    def test_a_child_that_ends_while_it_opens_is_a_refusal(self):
        words, run = self.transcribe("--use", "encoder.ln_post=doom:early,cpu", "--isolate", "encoder.ln_post")
        self.assertEqual((words, run["fallbacks"]), (self.words, []))
        node = next(p for p in run["placement"] if p["node"] == "encoder.ln_post")
        self.assertEqual(node["cause"], "doom:early refused: its process ended: Segmentation fault, isolated")

    def test_with_no_candidate_left_the_run_fails(self):
        said = self.bad(5, "run", GRAPH, JFK, "-q", "--plugin-path", BUILD / "tests/proof", "--use", "encoder.ln_post=doom:segv", "--isolate",
                        "encoder.ln_post")  # fmt: skip
        self.assertIn("its process ended: Segmentation fault", said)

    def test_any_stage_gives_the_same_in_a_child(self):
        words, run = self.transcribe("--isolate", "*")  # streams, sinks, graphs inside stages and all
        self.assertEqual(words, self.words)
        self.assertEqual({p["cause"].endswith(", isolated") for p in run["placement"]}, {True})
        self.assertGreater(run["timing"]["cpu_s"], 0)

    def test_the_graph_can_ask_for_it(self):
        text = GRAPH.read_text().replace("use: vad, with: {model: silero-vad", "use: vad, isolate: 5, with: {model: silero-vad")
        (self.folder / "blocks").symlink_to(ROOT / "graphs/blocks")
        (self.folder / "models").symlink_to(ROOT / "graphs/models")
        for value, isolated in ("5", ["speech"]), ("false", []):
            (self.folder / "own.yaml").write_text(text.replace("isolate: 5", f"isolate: {value}"))
            words, run = self.transcribe(graph="own.yaml")
            self.assertEqual(words, self.words)
            self.assertEqual([p["node"] for p in run["placement"] if "isolated" in p["cause"]], isolated)
        (self.folder / "own.yaml").write_text(text.replace("isolate: 5", "isolate: often"))
        self.assertIn("isolate is 'often'", self.bad(3, "plan", "own.yaml"))
        self.assertIn("'soon' is no number of seconds", self.bad(3, "plan", GRAPH, "--isolate", "speech=soon"))
        self.assertIn("no node matches 'speach'", self.bad(3, "plan", GRAPH, "--isolate", "speach"))


main()
