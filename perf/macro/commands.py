"""Programs that the benchmark runs: to their end, or beside it until it ends."""

import ctypes
import os
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """The benchmark cannot go on; the message says why and what to do."""


def run(command, timeout=60, allowed=(0,), text_in=None):
    """Runs a program to its end and returns it; an exit code that is not allowed is an error with all it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=text_in, check=False)
    except FileNotFoundError as missing:
        raise BenchError(f"{missing.filename} is not installed; `make deps` installs what is missing") from missing
    except subprocess.TimeoutExpired as late:
        raise BenchError(f"{' '.join(command)} did not end within {timeout} s") from late
    if done.returncode not in allowed:
        raise BenchError(f"{' '.join(command)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def text_of(*command):
    """What a program says, or nothing if it cannot be run."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Background:
    """A program that runs beside the benchmark; its output goes to a file. It dies with us, whatever happens to us."""

    def __init__(self, name, command, log_path, environment=None):
        self.name = name
        self.log_path = log_path
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=environment, preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def require_alive(self):
        code = self.process.poll()
        if code is not None:
            raise BenchError(f"{self.name} ended with {code}; its last words ({self.log_path}):\n{self.last_words()}")

    def last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-15:])

    def says(self, text):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return text in log.read()

    def await_word(self, word, seconds, beside=None):
        """Waits until a line of its output begins with a word, and returns that line; both programs must live as long."""
        until = time.monotonic() + seconds
        while True:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                line = next((line for line in log if line.startswith(word) and line.endswith("\n")), None)
            if line:
                return line.strip()
            if beside:
                beside.require_alive()
            self.require_alive()
            if time.monotonic() > until:
                last = (beside or self).last_words()
                raise BenchError(f"{(beside or self).name} was not ready after {seconds} s:\n{last}")
            time.sleep(0.02)

    def stop(self, seconds=10):
        """SIGTERM, then SIGKILL; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(5)
