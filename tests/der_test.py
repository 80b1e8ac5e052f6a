"""tools/bench/diarization.py against pyannote.metrics (PyPI) on random turns, and on turns whose errors are plain to see.

usage: der_test.py ROOT
"""

import random
import sys
import unittest
import warnings

sys.path.insert(0, sys.argv[1] + "/tools/bench")
try:
    import diarization
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed")
    sys.exit(77)
try:
    from pyannote.core import Annotation, Segment
    from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate
except ImportError:
    Annotation = None


def turns(chance, speakers):
    """Turns that may overlap those of others, but not the speaker's own."""
    return [
        (start, start + chance.uniform(0.1, 4), name)
        for name in speakers
        for start in (4.5 * k + chance.uniform(0, 0.4) for k in range(8))
        if chance.random() < 0.6
    ]


class Der(unittest.TestCase):
    def test_plain_cases(self):
        truth = [(0, 4, "a"), (4, 10, "b")]
        self.assertEqual(diarization.compare(truth, truth)[:5], (10, 0, 0, 0, 0))
        e = diarization.compare(truth, [(0, 5, "x"), (5, 11, "y")])
        self.assertEqual(e[:4], (10, 0, 1, 1))
        self.assertAlmostEqual(e.jer, (1 / 5 + 2 / 7) / 2)
        e = diarization.compare(truth, [(0, 5, "x"), (5, 11, "y")], collar=1)
        self.assertEqual(e[:4], (6, 0, 0, 0))
        e = diarization.compare([(0, 4, "a"), (2, 6, "b")], [(0, 6, "x")])
        self.assertEqual(e[:4], (8, 2, 0, 2))
        self.assertEqual(diarization.compare(truth, []).der, 1)

    @unittest.skipUnless(Annotation, "pyannote.metrics is not installed")
    def test_the_same_as_pyannote_on_random_turns(self):
        warnings.simplefilter("ignore")
        chance = random.Random(1)

        def annotation(turns):
            a = Annotation()
            for i, (start, end, name) in enumerate(turns):
                a[Segment(start, end), i] = name
            return a

        for case in range(200):
            truth, found = turns(chance, "abcd"[: chance.randint(1, 4)]), turns(chance, "vwxyz"[: chance.randint(0, 5)])
            if not truth:
                continue
            for collar in (0, 0.25):
                ours = diarization.compare(truth, found, collar)
                # pyannote's collar is the whole width about an edge.
                theirs = DiarizationErrorRate(collar=2 * collar)(annotation(truth), annotation(found), detailed=True)
                for a, b in zip(ours, ("total", "missed detection", "false alarm", "confusion")):
                    self.assertAlmostEqual(a, theirs[b], 6, (case, collar, b))
                self.assertAlmostEqual(ours.jer, JaccardErrorRate(collar=2 * collar)(annotation(truth), annotation(found)), 6)


unittest.main(argv=sys.argv[:1])
