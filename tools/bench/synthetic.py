"""Synthetic speech whose word times are exact: flite tells when each of its phones ends."""

import functools
import re
import subprocess


def _flite(*words):
    return subprocess.run(["flite", *map(str, words)], check=True, text=True, stdout=subprocess.PIPE).stdout.split()


@functools.cache
def _phones(word, voice):
    return sum(phone != "pau" for phone in _flite("-voice", voice, "-ps", "-t", word, "-o", "none"))


def say(text, file, voice="slt"):
    """Writes `text` as a wav file; returns its words as (word, start, end), in seconds, or None where a word has other phones
    in the sentence than alone."""
    phones, before = [], 0.0
    for entry in _flite("-voice", voice, "-psdur", "-t", text, "-o", file):
        phone, end = entry.rsplit(":", 1)
        if phone != "pau":
            phones.append((before, float(end)))
        before = float(end)
    words = re.findall(r"[a-z']+", text.lower())
    counts = [_phones(word, voice) for word in words]
    if sum(counts) != len(phones):
        return None
    said, at = [], 0
    for word, count in zip(words, counts):
        said.append((word, phones[at][0], phones[at + count - 1][1]))
        at += count
    return said
