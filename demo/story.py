"""How the demonstration speaks: headlines, commands, what was seen, and a mark for everything that was checked."""
import os
import re
import shutil
import sys
import textwrap
import time

STYLES = {
    "bold": "1", "dim": "2", "green": "32", "red": "1;31", "yellow": "33", "cyan": "36", "head": "1;37;44", "title": "1;36",
}


class Story:
    """Writes to standard output; in colour on a terminal, plain in a pipe."""

    def __init__(self):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
        self.tty = sys.stdout.isatty()
        self.colour = self.tty and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("NO_COLOR")
        self.width = max(80, min(110, shutil.get_terminal_size((100, 24)).columns))
        self.began = time.monotonic()
        self.steps = []
        self.checks = 0
        self.failures = 0

    def paint(self, style, text):
        return f"\033[{STYLES[style]}m{text}\033[0m" if self.colour else text

    def line(self, text=""):
        print(text)

    def title(self, text, right):
        self.line()
        self.line("  " + self.paint("title", text) + right.rjust(self.width - 4 - len(text)))

    def prose(self, text):
        for part in textwrap.wrap(text, self.width - 8):
            self.line("     " + part)

    def step(self, headline):
        return Step(self, headline)

    def command(self, where, command):
        """What is run, and in which namespace; exactly as it is run there."""
        prompt = f"{where}$"
        parts = textwrap.wrap(command, self.width - 12 - len(prompt), break_long_words=False, break_on_hyphens=False)
        for number, part in enumerate(parts):
            lead = self.paint("yellow", prompt) if number == 0 else " " * len(prompt)
            tail = " \\" if number < len(parts) - 1 else ""
            self.line(f"     {lead} {self.paint('cyan', part + tail)}")

    def saw(self, *lines):
        for text in lines:
            for part in textwrap.wrap(text, self.width - 9, subsequent_indent="  ", break_on_hyphens=False):
                self.line("       " + self.paint("dim", part))

    def change(self, *lines):
        """Lines that are added to a file."""
        for text in lines:
            self.line("       " + self.paint("green", "+ " + text))

    def check(self, held, text, otherwise=""):
        """One thing that must hold; says what was seen instead where it did not."""
        self.checks += 1
        if not held:
            self.failures += 1
        mark = self.paint("green", "✓") if held else self.paint("red", "✗")
        if not held:
            text = f"{text}: {otherwise}" if otherwise else text
        for number, part in enumerate(self._wrap(text)):
            lead = f"   {mark} " if number == 0 else " " * 5
            self.line(lead + (self._emphasise(part) if held else self.paint("red", part.replace("*", ""))))
        return held

    def _wrap(self, text):
        """Lines; what stands between asterisks stays on one."""
        whole = re.sub(r"\*[^*]+\*", lambda found: found.group().replace(" ", "\0"), text)
        return [part.replace("\0", " ") for part in textwrap.wrap(whole, self.width - 9, break_on_hyphens=False)]

    def _emphasise(self, text):
        return re.sub(r"\*([^*]+)\*", lambda found: self.paint("bold", found.group(1)), text)

    def table(self, sides, head, rows):
        """Columns, aligned as `sides` says (< or > for each); a row may carry a mark in front."""
        widths = [max(len(row[i]) for row in [head] + [cells for _, cells in rows]) for i in range(len(head))]
        def cells_of(cells):
            return "  ".join(f"{text:{side}{width}}" for text, side, width in zip(cells, sides, widths)).rstrip()
        self.line("     " + self.paint("dim", cells_of(head)))
        for held, cells in rows:
            mark = "  " if held is None else (self.paint("green", "✓") if held else self.paint("red", "✗")) + " "
            self.line("   " + mark + cells_of(cells))

    def transient(self, text):
        """Something that is being waited for; gone once it is there, and never in a pipe."""
        if self.colour:
            sys.stdout.write(f"\r\033[K     {self.paint('dim', text)}" if text else "\r\033[K")
            sys.stdout.flush()

    def summary(self):
        self.line()
        for number, (headline, seconds, held) in enumerate(self.steps, 1):
            mark = self.paint("green", "✓") if held else self.paint("red", "✗")
            self.line(f"   {mark} {number}  {headline.ljust(self.width - 24)} {seconds:6.1f} s")
        total = time.monotonic() - self.began
        held = sum(1 for step in self.steps if step[2])
        verdict = f"{held} of {len(self.steps)} steps held, {self.checks - self.failures} of {self.checks} checks, {total:.1f} s"
        self.line()
        self.line("   " + self.paint("green" if self.good() else "red", verdict))

    def good(self):
        return self.failures == 0 and bool(self.steps) and all(held for _, _, held in self.steps)


class Step:
    """One numbered step; it holds when nothing in it failed."""

    def __init__(self, story, headline):
        self.story = story
        self.headline = headline

    def __enter__(self):
        story = self.story
        self.began = time.monotonic()
        self.failures = story.failures
        text = f" {len(story.steps) + 1}  {self.headline} "
        at = f"+{self.began - story.began:.1f} s "
        story.line()
        if story.colour:
            story.line(" " + story.paint("head", text + at.rjust(story.width - 2 - len(text))))
        else:
            story.line(f"{text}{'-' * (story.width - len(text) - len(at) - 2)} {at.rstrip()}")
        return self

    def __exit__(self, kind, error, _trace):
        story = self.story
        if error is not None and not isinstance(error, Exception):
            return False
        if error is not None:
            story.check(False, "the step could not be finished", f"{kind.__name__}: {error}")
        story.steps.append((self.headline, time.monotonic() - self.began, story.failures == self.failures))
        return error is not None and not isinstance(error, BrokenPipeError)
