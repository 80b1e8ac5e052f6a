"""The rows of `peers` as one HTML page without scripts or other files: bars of how many times faster than real time each system is."""

import datetime
import html

COLOURS = {"npurt": "#d9480f", "faster-whisper": "#1c7ed6", "whisper.cpp": "#868e96"}
STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; fill: currentColor }
"""


def bars(rows, length):
    """One chart: the rows of one model and kind of audio, grouped by precision and threads."""
    width, label, line = 720, 150, 22
    speeds = [length[r["audio"]] / r["process"] for r in rows]
    top, y, parts, group = max(speeds), 0, [], None
    for row, speed in zip(rows, speeds):
        if group != (row["precision"], row["threads"]):
            group = row["precision"], row["threads"]
            y += 30
            plural = "s" if group[1] > 1 else ""
            parts.append(f'<text x="0" y="{y - 8}" font-weight="600">{group[0]}, {group[1]} thread{plural}</text>')
        bar = (width - label - 110) * speed / top
        parts.append(f'<text x="0" y="{y + 15}">{html.escape(row["system"])}</text>')
        parts.append(f'<rect x="{label}" y="{y + 2}" width="{bar:.1f}" height="{line - 5}" fill="{COLOURS[row["system"]]}"/>')
        parts.append(f'<text x="{label + bar + 6:.1f}" y="{y + 15}">{speed:.0f}x ({row["process"]:.2f} s)</text>')
        y += line
    return f'<svg viewBox="0 0 {width} {y + 4}" role="img">{"".join(parts)}</svg>'


def page(table, length, machine, runs):
    body = [f"<p>{html.escape(machine)}, {datetime.date.today()}. Whole processes with model load, medians of {runs} interleaved runs, "
            "the same weights; longer bars are faster.</p>"]  # fmt: skip
    for model in dict.fromkeys(r["model"] for r in table):
        for audio in length:
            rows = [r for r in table if r["model"] == model and r["audio"] == audio]
            body.append(f"<h2>{html.escape(model)}, {length[audio]:.0f} s of speech</h2>{bars(rows, length)}")
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>npurt and its peers</title><style>{STYLE}</style>'
            f"<h1>npurt and its peers: times faster than real time</h1>{''.join(body)}</html>\n")  # fmt: skip
