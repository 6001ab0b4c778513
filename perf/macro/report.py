"""Medians and spreads of the rounds, as a table on a terminal and as a section of perf/RESULTS.md."""

import statistics
import sys

from works import WORKS

BOLD, DIM, GREEN, YELLOW, RESET = "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[0m"
WIDE, COLUMN = 38, 20


def median_of(runs, key):
    """(median, half of the spread in parts of it), or nothing when no run has the figure."""
    values = [run[key] for run in runs if run.get(key) is not None]
    if not values:
        return None, None
    middle = statistics.median(values)
    return middle, (max(values) - min(values)) / 2 / middle if middle else 0.0


def number(value):
    if value is None:
        return "-"
    if value >= 10000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def table(results, peers):
    """Rows of (work, measure, [(median, spread) of each peer], [ratio to the first peer])."""
    for work in WORKS:
        for row in work.rows:
            cells = [median_of(results[work.name][peer], row.key) for peer in peers]
            if all(value is None for value, _ in cells):
                continue
            base = cells[0][0]
            ratios = [value / base if value is not None and base else None for value, _ in cells[1:]]
            yield work, row, cells, ratios


def failures(results, peers):
    """(peer, work, number) where something failed."""
    return [(peer, work.name, total) for work in WORKS for peer in peers
            if (total := sum(run["failed"] for run in results[work.name][peer]))]


def memory_rows(memory, peers):
    """(moment, [text of each peer])."""
    moments = sorted({moment for peer in peers for moment in memory[peer]}, key=["started", "after load", "idle"].index)
    for moment in moments:
        yield moment, [" + ".join(f"{m['rss'] / 1e6:.0f}/{m['pss'] / 1e6:.0f}" for m in memory[peer].get(moment, [])) or "-"
                       for peer in peers]


MOMENTS = {"started": "started, no traffic yet", "after load": "after all rounds", "idle": "holding 1,000 idle connections"}


def print_table(results, memory, peers):
    colour = sys.stdout.isatty()

    def paint(code, text):
        return f"{code}{text}{RESET}" if colour else text

    heads = "".join(f"{peer:>{COLUMN}}" for peer in peers) + "".join(f"{peer + '/' + peers[0]:>{COLUMN}}" for peer in peers[1:])
    print(paint(BOLD, f"\n{'median, +- half the spread':<{WIDE}}{heads}"))
    last = None
    for work, row, cells, ratios in table(results, peers):
        if work is not last:
            print(paint(BOLD, work.name))
            last = work
        line = f"  {row.title:<{WIDE - 2}}"
        for value, spread in cells:
            text = number(value)
            aside = f" +-{spread:.0%}" if value else ""
            line += " " * (COLUMN - len(text) - len(aside)) + text + paint(DIM, aside)
        for ratio in ratios:
            text = "-" if ratio is None else f"{ratio:.2f}"
            good = ratio is not None and (ratio >= 0.5 if row.more_is_better else ratio <= 2)
            line += " " * (COLUMN - len(text)) + paint(GREEN if good else YELLOW, text)
        print(line)
    rows = list(memory_rows(memory, peers))
    if rows:
        print(paint(BOLD, "resident/proportional memory of each agent, MB"))
    for moment, cells in rows:
        print(f"  {MOMENTS[moment]:<{WIDE - 2}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells))
    for peer, work, total in failures(results, peers):
        print(paint(YELLOW, f"{peer}: {total} operations failed in: {work}"))


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def markdown(results, memory, peers, facts):
    """The section's text, without its heading."""
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "Median of the rounds, with half the spread between the smallest and the largest.", ""]
    lines.append(_row(["work", "measure", *peers, *(f"{peer}/{peers[0]}" for peer in peers[1:])]))
    lines.append("|---|---|" + "---:|" * (2 * len(peers) - 1))
    last = None
    for work, row, cells, ratios in table(results, peers):
        shown = [number(v) + (f" ±{s:.0%}" if v else "") for v, s in cells]
        shown += ["-" if r is None else f"{r:.2f}" for r in ratios]
        lines.append(_row([work.name if work is not last else "", row.title, *shown]))
        last = work
    for moment, cells in memory_rows(memory, peers):
        lines.append(_row(["RSS/PSS of each agent, MB", MOMENTS[moment], *cells, *[""] * (len(peers) - 1)]))
    lost = failures(results, peers)
    if lost:
        lines += [""] + [f"- {peer}: {total} operations failed in: {work}" for peer, work, total in lost]
    return "\n".join(lines) + "\n"
