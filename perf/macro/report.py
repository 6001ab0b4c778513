"""Medians and spreads of the rounds, as a table on a terminal and as a section of perf/RESULTS.md."""

import statistics
import sys

from works import IDLE_CONNECTIONS, TARGETS, WORKS

BOLD, DIM, GREEN, YELLOW, RESET = "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[0m"
WIDE, COLUMN = 38, 27


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


def ratio_text(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


def table(results, peers):
    """Rows of (work, measure, [(median, spread) of each peer], [ratio of the last peer to each of the others])."""
    for work in WORKS:
        for row in work.rows:
            cells = [median_of(results[work.name][peer], row.key) for peer in peers]
            if all(value is None for value, _ in cells):
                continue
            last = cells[-1][0]
            ratios = [last / value if value and last is not None else None for value, _ in cells[:-1]]
            yield work, row, cells, ratios


def targets(results, peers):
    """Rows of (work, measure, what is to be, what is, whether it is reached), of those whose peers were measured."""
    works = {work.name: work for work in WORKS}
    for target in TARGETS:
        row = next(row for row in works[target.work].rows if row.key == target.key)
        value = median_of(results[target.work][peers[-1]], target.key)[0]
        base, of = base_of(target, results, peers)
        if value is None or not base:
            continue
        now = value / base
        sign, reached = (">=", now >= target.bound) if row.more_is_better else ("<=", now <= target.bound)
        yield target.work, row.title, f"{sign} {target.bound:g}{of}", number(now), reached


def base_of(target, results, peers):
    """(what a target's bound is to be multiplied by, how it is called); 0 when that was not measured."""
    if target.own:
        return median_of(results[target.own][peers[-1]], target.key)[0] or 0, f" x its own of {target.own}"
    if target.of:
        measured = results[target.work][target.of] if target.of in peers[:-1] else []
        return median_of(measured, target.key)[0] or 0, f" x {target.of}"
    return 1, ""


def process_targets(memory, starts, peers):
    """As `targets`, of what the last peer's agents cost by themselves; each agent has to meet them."""
    held = memory.get(peers[-1], {})
    per_connection = [(after["rss"] - before["rss"]) / 1e3 / IDLE_CONNECTIONS
                      for after, before in zip(held.get("idle", []), held.get("after load", []))]
    for measure, values, bound in (
            ("RSS after load, MB", [m["rss"] / 1e6 for m in held.get("after load", [])], 64),
            ("RSS per idle connection, KB", per_connection, 3),
            ("exec to first 200 on 15021, s", starts.get(peers[-1]) or [], 0.4)):
        if values:
            yield "each agent", measure, f"<= {bound:g}", number(max(values)), max(values) <= bound


def failures(results, peers):
    """(peer, work, number) where something failed."""
    return [(peer, work.name, total) for work in WORKS for peer in peers
            if (total := sum(run["failed"] for run in results[work.name][peer]))]


MOMENTS = {
    "started": "started, no traffic yet",
    "after load": "after all rounds",
    "idle": f"holding {IDLE_CONNECTIONS:,} idle connections",
    "released": "10 s after they were closed",
}


def memory_rows(memory, starts, peers):
    """(measure, moment, [text of each peer]); agents are those of client and server, in this order."""
    if any(starts.values()):
        yield "exec to first 200 on 15021, s", "", [" + ".join(f"{s:.2f}" for s in starts[peer]) or "-" for peer in peers]
    for moment, title in MOMENTS.items():
        if any(moment in memory[peer] for peer in peers):
            yield "RSS/PSS/anonymous, MB", title, [
                " + ".join("/".join(f"{m[key] / 1e6:.0f}" for key in ("rss", "pss", "anonymous")) for m in memory[peer].get(moment, [])) or "-"
                for peer in peers]
    if any("idle" in memory[peer] for peer in peers):
        yield "RSS per idle connection, KB", "", [
            " + ".join(f"{(held['rss'] - before['rss']) / 1e3 / IDLE_CONNECTIONS:.1f}"
                       for held, before in zip(memory[peer].get("idle", []), memory[peer].get("after load", []))) or "-"
            for peer in peers]


def print_table(results, memory, starts, peers):
    colour = sys.stdout.isatty()

    def paint(code, text):
        return f"{code}{text}{RESET}" if colour else text

    heads = "".join(f"{peer:>{COLUMN}}" for peer in peers) + "".join(f"{peers[-1] + '/' + peer:>{COLUMN}}" for peer in peers[:-1])
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
        print(line + "".join(f"{ratio_text(ratio):>{COLUMN}}" for ratio in ratios))
    rows = list(memory_rows(memory, starts, peers))
    if rows:
        print(paint(BOLD, "each agent"))
    for measure, moment, cells in rows:
        print(f"  {moment or measure:<{WIDE - 2}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells))
    for work, measure, bound, now, reached in [*targets(results, peers), *process_targets(memory, starts, peers)]:
        print(f"{paint(GREEN, 'reached    ') if reached else paint(YELLOW, 'not reached')}  {work}, {measure}: {now}, to be {bound}")
    for peer, work, total in failures(results, peers):
        print(paint(YELLOW, f"{peer}: {total} operations failed in: {work}"))


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def markdown(results, memory, starts, peers, facts):
    """The section's text, without its heading."""
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "![the same as bars](results/bench.svg)"]
    lines += ["", "Median of the rounds, with half the spread between the smallest and the largest.", ""]
    lines.append(_row(["work", "measure", *peers, *(f"{peers[-1]}/{peer}" for peer in peers[:-1])]))
    lines.append("|---|---|" + "---:|" * (2 * len(peers) - 1))
    last = None
    for work, row, cells, ratios in table(results, peers):
        shown = [number(v) + (f" ±{s:.0%}" if v else "") for v, s in cells]
        lines.append(_row([work.name if work is not last else "", row.title, *shown, *map(ratio_text, ratios)]))
        last = work
    for measure, moment, cells in memory_rows(memory, starts, peers):
        lines.append(_row([measure, moment, *cells, *[""] * (len(peers) - 1)]))
    reached = [*targets(results, peers), *process_targets(memory, starts, peers)]
    if reached:
        lines += ["", _row(["work", "measure", "target", "now", ""]), "|---|---|---|---:|---|"]
        lines += [_row([work, measure, bound, now, "reached" if met else "not reached"]) for work, measure, bound, now, met in reached]
    lost = failures(results, peers)
    if lost:
        lines += [""] + [f"- {peer}: {total} operations failed in: {work}" for peer, work, total in lost]
    return "\n".join(lines) + "\n"
