"""perf/RESULTS.md: one section for each kind of measurement, each replaced by the program that measures it."""

import os
import re

from commands import ROOT

PATH = os.path.join(ROOT, "perf", "RESULTS.md")
HEAD = """# Results

Written by `make bench` and `make jmh`; each section is replaced by the next full run. How to read it: [README.md](README.md).
"""


def write_section(name, heading, body):
    """Replaces a section, or adds it at the end."""
    text = HEAD
    if os.path.exists(PATH):
        with open(PATH, encoding="utf-8") as file:
            text = file.read()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n## {heading}\n\n{body.strip()}\n{end}"
    old = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    text = old.sub(lambda _: section, text) if old.search(text) else text.rstrip() + "\n\n" + section + "\n"
    with open(PATH + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(PATH + ".new", PATH)
