"""What is read from /proc and from `ss` before and after a piece of work."""

import os
import re
import time

from commands import run

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process with all its threads, also those that have ended."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds():
    """(busy, stolen) CPU seconds of the whole machine; time of guests is in user time already."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def busy_share(seconds=1.5):
    """How much of the machine somebody else uses right now, 0 to 1."""
    before = machine_seconds()[0]
    time.sleep(seconds)
    return min(1.0, (machine_seconds()[0] - before) / seconds / os.cpu_count())


def memory(pid):
    """Resident memory of a process, its proportional share, and the anonymous part of it, in bytes."""
    sizes = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        for line in file:
            found = re.match(r"(Rss|Pss|Anonymous):\s+(\d+) kB", line)
            if found:
                sizes[found.group(1).lower()] = int(found.group(2)) * 1024
    return sizes


class PortMeter:
    """Counts what arrives in a member's network on one port, from the kernel's own count of each TCP connection.

    A connection that ended between two readings is not counted, so the figure is a lower limit: it can make a good run look
    like a bypass, never a bypass look like a good run.
    """

    def __init__(self, lab, member, port):
        self.lab = lab
        self.member = member
        self.port = port
        self.seen = {}

    def _read(self):
        command = ["ss", "-tinHO", "state", "established", f"( sport = :{self.port} )"]
        counts = {}
        for line in run(self.lab.inside(self.member, command)).stdout.splitlines():
            ends = line.split()[2:4]
            received = re.search(r"bytes_received:(\d+)", line)
            counts[tuple(ends)] = int(received.group(1)) if received else 0
        return counts

    def start(self):
        self.seen = self._read()

    def bytes(self):
        """Bytes received since `start`, retransmissions and headers apart."""
        return sum(count - self.seen.get(ends, 0) for ends, count in self._read().items())


class CaptureMeter:
    """Counts the connections of a pod that the kernel redirected to its agent."""

    def __init__(self, lab, member):
        self.lab = lab
        self.member = member
        self.seen = 0

    def _read(self):
        total = 0
        for variant in ("nft", "legacy"):
            for family in ("ip", "ip6"):
                command = self.lab.inside(self.member, [f"{family}tables-{variant}-save", "-c", "-t", "nat"])
                found = re.findall(r"^\[(\d+):\d+\] -A .*REDIRECT --to-ports 15001$", run(command).stdout, re.MULTILINE)
                total += sum(map(int, found))
        return total

    def start(self):
        self.seen = self._read()

    def connections(self):
        return self._read() - self.seen
