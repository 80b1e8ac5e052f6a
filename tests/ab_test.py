"""`npurt ab`: what it says of candidates whose differences are known.

usage: ab_test.py ROOT BUILD TESTCASE
"""

import html.parser
import json
import re

from command import BUILD, GRAPH, JFK, Case, main

NORM = BUILD / "tests/proof"


class Ab(Case):
    def ab(self, node, a, b, *more):
        done = self.good("ab", GRAPH, JFK, "--node", node, "--a", a, "--b", b, "--plugin-path", NORM, "--report", "ab.json", *more)
        return done.stdout, json.loads((self.folder / "ab.json").read_text())

    def test_equal_kernels_are_equal(self):
        text, found = self.ab("encoder.ln_post", "norm:plain", "norm:plain", "--runs", 8)
        self.assertEqual(found["broken"], [])
        self.assertEqual(found["values"]["equal"], found["values"]["values"])
        self.assertEqual((found["values"]["cosine"], found["values"]["max_abs"]), (1, 0))
        self.assertEqual(found["transcript"]["edits"] + found["transcript"]["token_edits"], 0)
        self.assertEqual(found["transcript"]["words"], 22)
        self.assertIn("0 differ", text)

    def test_times_are_those_of_the_nodes(self):
        _, found = self.ab("encoder.blocks.*.fc1", "cpu:f32", "cpu:int8", "--runs", 3)
        self.assertEqual(found["nodes"], [f"encoder.blocks.{i}.fc1" for i in range(4)])
        for side, uses in (found["a"], ["cpu:f32"]), (found["b"], ["cpu:int8"]):
            self.assertEqual((side["calls"], side["uses"]), (4, uses))
            self.assertEqual(side["bytes_moved"], 4 * 4 * 1500 * (384 + 1536))
            self.assertEqual(len(side["node_wall_s"]), found["runs"])
            for node, run in zip(side["node_wall_s"], side["wall_s"]):
                self.assertLess(0, node)
                self.assertLess(node, run)
        self.assertEqual(found["speed"]["node_wall_s"]["verdict"], "too few pairs")
        self.assertGreater(found["values"]["cosine"], 0.999)
        self.assertEqual(sum(found["values"]["histogram"]) + found["values"]["equal"], found["values"]["values"])

    def test_values_are_of_the_same_inputs(self):
        _, found = self.ab("encoder.*ln*", "norm:plain", "norm:off", "--runs", 1)
        for node in found["values"]["nodes"].values():  # not what has added up on the way
            self.assertAlmostEqual(node["max_abs"], 0.5, delta=1e-4)

    def test_a_kernel_of_zeros_is_told_at_the_top(self):
        text, found = self.ab("encoder.*ln*", "norm:plain", "norm:zeros", "--runs", 1)
        self.assertTrue(text.startswith("BROKEN: "))
        self.assertEqual(found["values"]["cosine"], 0)
        self.assertGreater(found["transcript"]["wer"], 0.5)
        self.assertTrue(found["transcript"]["flips"][0]["a"])

    def test_the_page_stands_alone(self):
        self.good("ab", GRAPH, JFK, "--node", "encoder.*ln*", "--a", "norm:plain", "--b", "norm:zeros", "--plugin-path", NORM, "--runs", 1,
                  "--report", "ab.html")  # fmt: skip
        page = (self.folder / "ab.html").read_text()
        self.assertLess(page.index("class='broken'"), page.index("<h2>"))
        top = page[page.index("class='broken'") : page.index("<h2>")]
        self.assertIn("cosine 0.000", top)
        self.assertIn("the transcript is lost", top)
        self.assertRegex(page, r"\.broken *\{[^}]*var\(--bad\)")
        self.assertNotRegex(page.replace("http-equiv", ""), r"https?:|<script|src=|@import|url\(")
        self.assertEqual(page.count("<svg"), 3)
        self.assertIn("prefers-color-scheme: dark", page)
        closed = {"meta", "line", "circle", "rect"}
        open_tags = []

        class Nesting(html.parser.HTMLParser):
            def handle_starttag(self, tag, _):
                if tag not in closed:
                    open_tags.append(tag)

            def handle_endtag(self, tag):
                assert open_tags.pop() == tag, self.getpos()

        Nesting().feed(re.sub(r"/>", ">", page))
        self.assertEqual(open_tags, [])

    def test_a_stage_with_state_is_compared_by_ear(self):
        text, found = self.ab("text", "decoder", "decoder", "--runs", 1)
        self.assertIn("keeps state", found["values"]["not_compared"])
        self.assertIn("values: not compared", text)

    def test_a_candidate_that_does_not_stand_is_an_error(self):
        say = ("ab", GRAPH, JFK, "--plugin-path", NORM, "--runs", 1, "--a", "norm:plain")
        self.assertIn("self-test: gives 0.0", self.bad(4, *say, "--node", "encoder.ln_post", "--b", "norm:tested"))
        self.assertIn("wants a device that is not here", self.bad(4, *say, "--node", "encoder.ln_post", "--b", "norm:choosy"))
        self.assertIn("the device hangs", self.bad(5, *say, "--node", "encoder.ln_post", "--b", "norm:faulty"))
        self.assertIn("no node matches", self.bad(3, *say, "--node", "encoder.nothing", "--b", "norm:zeros"))
        self.assertIn("wanted FILE.html", self.bad(2, *say, "--node", "encoder.ln_post", "--b", "norm:zeros", "--report", "ab.pdf"))


main()
