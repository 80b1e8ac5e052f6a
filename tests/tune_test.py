"""`npurt tune`, `npurt bench` and `--policy measured`.

usage: tune_test.py ROOT BUILD TESTCASE
"""

import json

from command import BUILD, GRAPH, JFK, Case, main, npurt


class Tune(Case):
    def test_the_fastest_is_taken_then(self):
        nodes = ["--use", "encoder.*.fc1=cpu:f32,cpu:int8", "--use", "encoder.ln_post=norm:slow,cpu", "--plugin-path", BUILD / "tests/proof"]
        done = self.good("tune", GRAPH, JFK, *nodes, "--budget", 0.02, "--tuning", "times.tsv")
        self.assertIn("times in times.tsv", done.stderr)
        lines = [line.split("\t") for line in (self.folder / "times.tsv").read_text().splitlines()[1:]]
        self.assertEqual({len(line) for line in lines}, {7})
        self.assertLessEqual({("matmul", "cpu:f32"), ("matmul", "cpu:int8"), ("layer_norm", "norm:slow"), ("attention", "cpu:bf16")},
                             {(line[1], line[2]) for line in lines} | {("attention", "cpu:bf16")})  # fmt: skip
        plan = json.loads(self.good("plan", GRAPH, *nodes, "--policy", "measured", "--tuning", "times.tsv", "--format", "json").stdout)
        seconds = {}
        for s, op, use, *_, shapes, options in lines:
            seconds.setdefault((op, shapes, options), {})[use] = float(s)
        fc1 = next(times for key, times in seconds.items() if {"cpu:f32", "cpu:int8"} <= set(times) and "gelu" in key[2])
        placed = {n["node"]: n for n in plan["nodes"]}
        for i in range(4):
            node = placed[f"encoder.blocks.{i}.fc1"]
            self.assertEqual(node["use"], min(("cpu:f32", "cpu:int8"), key=lambda use: fc1[use]))
            self.assertTrue(node["cause"].startswith("measured: "))
        self.assertEqual(placed["wav"]["cause"], "first choice")  # it was not timed

    def test_nodes_inside_a_stage_are_timed_too(self):
        exact = self.good("tune", GRAPH, JFK, "--set", "precision=f32", "--budget", 0.02, "--tuning", "times.tsv")
        self.assertIn("text.kv", exact.stdout)

    def test_bench_shows_rates_beside_the_roof(self):
        found = json.loads(self.good("bench", "matmul", "layer_norm", "--budget", 0.02, "--json").stdout)
        self.assertGreater(found["roof"]["f32_gflops"], 1)
        self.assertGreater(found["roof"]["memory_gb_s"], 0.5)
        self.assertEqual({o["op"] for o in found["ops"]}, {"matmul", "layer_norm"})
        fc1 = next(o for o in found["ops"] if "encoder.blocks.0.fc1" in o["nodes"])
        self.assertEqual((fc1["in"], fc1["out"], len(fc1["nodes"])), ("f32[1500,384]", "f32[1500,1536]", 4))
        for candidate in fc1["candidates"]:
            if "seconds" in candidate:
                flops = 2 * 1500 * 384 * 1536
                self.assertAlmostEqual(candidate["gflops"], flops / candidate["seconds"] / 1e9, delta=1e-6 * candidate["gflops"])
        self.assertIn("cpu:f32", [c["candidate"] for c in fc1["candidates"]])
        done = npurt("bench", "matmull")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean 'matmul'", done.stderr)


main()
