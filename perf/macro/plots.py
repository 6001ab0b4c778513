"""The tables' figures as one picture: for each work a bar per peer of its first measure and of the agents' CPU, as SVG."""

import os
from xml.sax.saxutils import escape

from commands import ROOT
from report import median_of, number
from works import WORKS

PATH = os.path.join(ROOT, "perf", "results", "bench.svg")
COLOURS = {"direct": "#9aa5b1", "envoy": "#b4488a", "culvert": "#1f77d0"}
COLUMNS, PANEL, BAR, LABEL, GAP, HEAD = 3, 380, 16, 62, 26, 40
WIDEST = PANEL - LABEL - 110


def panels(results, peers):
    """(title, [(peer, median, lowest, highest)]) of each picture: the first measure of a work, and what the agents' CPU costs."""
    for work in WORKS:
        rows = [work.rows[0]] + [row for row in work.rows if row.key.startswith("agent_cpu")]
        for row in rows:
            bars = [_bar(peer, results[work.name][peer], row.key) for peer in peers]
            bars = [bar for bar in bars if bar]
            if bars:
                yield f"{work.name}: {row.title}", bars


def _bar(peer, runs, key):
    middle = median_of(runs, key)[0]
    values = [run[key] for run in runs if run.get(key) is not None]
    return (peer, middle, min(values), max(values)) if middle is not None else None


def _panel(title, bars, left, top):
    most = max(highest for *_, highest in bars) or 1
    yield f'<text x="{left}" y="{top}" class="title">{escape(title)}</text>'
    for index, (peer, middle, lowest, highest) in enumerate(bars):
        y, start = top + 8 + index * (BAR + 4), left + LABEL
        width, low, high = (WIDEST * value / most for value in (middle, lowest, highest))
        yield f'<text x="{start - 6}" y="{y + BAR - 4}" class="peer">{escape(peer)}</text>'
        yield f'<rect x="{start}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{COLOURS.get(peer, "#555555")}"/>'
        yield f'<line x1="{start + low:.1f}" x2="{start + high:.1f}" y1="{y + BAR / 2}" y2="{y + BAR / 2}" class="spread"/>'
        yield f'<text x="{start + max(width, high) + 6:.1f}" y="{y + BAR - 4}">{number(middle)}</text>'


def svg(results, peers, caption):
    """The picture's text."""
    drawn = list(panels(results, peers))
    height = len(peers) * (BAR + 4) + GAP + 8
    total = HEAD + (len(drawn) + COLUMNS - 1) // COLUMNS * height
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * PANEL + 20}" height="{total}" font-family="sans-serif" font-size="11">',
        "<style>.title{font-weight:bold}.peer{text-anchor:end}.spread{stroke:#222;stroke-width:1.5}</style>",
        f'<rect width="100%" height="100%" fill="white"/><text x="10" y="18">{escape(caption)}</text>']
    for index, (title, bars) in enumerate(drawn):
        lines += _panel(title, bars, 10 + index % COLUMNS * PANEL, HEAD + index // COLUMNS * height + 6)
    return "\n".join([*lines, "</svg>"]) + "\n"


def write(results, peers, facts):
    """Replaces the picture beside RESULTS.md."""
    caption = f"{facts['date']}, commit {facts['commit']}; bars: medians, lines: smallest to largest of the rounds"
    with open(PATH + ".new", "w", encoding="utf-8") as file:
        file.write(svg(results, peers, caption))
    os.replace(PATH + ".new", PATH)
