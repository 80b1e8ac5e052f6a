"""Errors of turns: diarization error rate (NIST RT-09, overlap counted) and Jaccard error rate (DIHARD II).

A turn is (start, end, speaker), in seconds. Needs scipy.
"""

from collections import defaultdict
from typing import NamedTuple

from scipy.optimize import linear_sum_assignment


class Errors(NamedTuple):
    """Seconds of speaker time, and the Jaccard errors of each speaker of the reference added up."""

    total: float = 0
    missed: float = 0
    false_alarm: float = 0
    confused: float = 0
    jaccard: float = 0
    speakers: int = 0

    def __add__(self, other):
        return Errors(*(a + b for a, b in zip(self, other)))

    @property
    def der(self):
        return (self.missed + self.false_alarm + self.confused) / self.total if self.total else 0.0

    @property
    def jer(self):
        return self.jaccard / self.speakers if self.speakers else 0.0


def read_rttm(file):
    """File name in the RTTM -> its turns."""
    turns = defaultdict(list)
    with open(file) as lines:
        for line in lines:
            if line.startswith("SPEAKER "):
                _, name, _, start, length, _, _, speaker, *_ = line.split()
                turns[name].append((float(start), float(start) + float(length), speaker))
    return turns


def pieces(reference, found, collar=0.0):
    """(seconds, speakers of the reference, speakers found) of every stretch in which nothing changes, but for what lies within
    `collar` seconds of where a turn of the reference begins or ends."""
    changes = []
    for side, turns in enumerate((reference, found)):
        for start, end, speaker in turns:
            if end > start:
                changes += [(start, 1, side, speaker), (end, -1, side, speaker)]
                if side == 0 and collar:
                    for edge in (start, end):
                        changes += [(edge - collar, 1, 2, ""), (edge + collar, -1, 2, "")]
    active, before = (defaultdict(int), defaultdict(int), defaultdict(int)), None
    for at, step, side, speaker in sorted(changes, key=lambda c: c[0]):
        if before is not None and at > before and not active[2]:
            yield at - before, set(active[0]), set(active[1])
        before = at
        active[side][speaker] += step
        if not active[side][speaker]:
            del active[side][speaker]


def compare(reference, found, collar=0.0):
    stretches = list(pieces(reference, found, collar))
    truth, said, both = defaultdict(float), defaultdict(float), defaultdict(float)
    for seconds, theirs, ours in stretches:
        for a in theirs:
            truth[a] += seconds
            for b in ours:
                both[a, b] += seconds
        for b in ours:
            said[b] += seconds
    rows, columns = sorted(truth), sorted(said)
    pairs = linear_sum_assignment([[both[a, b] for b in columns] for a in rows], maximize=True) if rows and columns else ((), ())
    mapped = {rows[i]: columns[j] for i, j in zip(*pairs) if both[rows[i], columns[j]] > 0}
    sums = [0.0] * 4
    for seconds, theirs, ours in stretches:
        right = sum(mapped.get(a) in ours for a in theirs)
        for i, n in enumerate((len(theirs), max(0, len(theirs) - len(ours)), max(0, len(ours) - len(theirs)),
                               min(len(theirs), len(ours)) - right)):  # fmt: skip
            sums[i] += n * seconds
    jaccard = 0.0
    for a in rows:
        shared = both[a, mapped[a]] if a in mapped else 0.0
        jaccard += 1 - shared / (truth[a] + (said[mapped[a]] if a in mapped else 0.0) - shared)
    return Errors(*sums, jaccard, len(rows))
