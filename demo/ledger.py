"""What the steps did, counted as they did it, to be compared with what the agents' metrics say."""
from collections import Counter

from lab import NODE_OF

COUNTERS = {
    "istio_tcp_connections_opened_total": "opened", "istio_tcp_connections_closed_total": "closed",
    "istio_tcp_connections_failed_total": "failed", "istio_tcp_received_bytes_total": "received",
    "istio_tcp_sent_bytes_total": "sent",
}


class Row:
    """The connections of one pair of workloads as one agent reports them."""

    def __init__(self):
        self.opened = 0
        self.closed = Counter()
        self.failed = Counter()
        self.received = 0
        self.sent = 0

    def __eq__(self, other):
        return isinstance(other, Row) and vars(self) == vars(other)

    def cells(self):
        return [str(self.opened), _flags(self.closed), _flags(self.failed), f"{self.received:,}", f"{self.sent:,}"]


def _flags(counter):
    return ", ".join(f"{count} {'well' if flag == '-' else flag}" for flag, count in sorted(counter.items()) if count) or "-"


class Ledger:
    """One row for each (node, reporter, source, destination, secured)."""

    HEAD = ["reported by", "from → to", "in", "opened", "closed", "of them failed", "to server", "to client"]
    SIDES = "<<<><<>>"

    def __init__(self):
        self.rows = {}

    def tunnelled(self, source, server, request, response, flags=("-", "-")):
        """A connection in a tunnel: both agents count it, each with the flag under which it ended there."""
        self._add(NODE_OF[source], "source", source, server, True, request, response, flags[0])
        self._add(NODE_OF[server], "destination", source, server, True, request, response, flags[1])

    def plaintext(self, source, server, request, response, flag="-"):
        """A connection from outside the mesh: only the server's agent sees it."""
        self._add(NODE_OF[server], "destination", source, server, False, request, response, flag)

    def _add(self, node, reporter, source, server, secured, request, response, flag):
        row = self.rows.setdefault((node, reporter, source, server, secured), Row())
        row.opened += 1
        row.closed[flag] += 1
        if flag != "-":
            row.failed[flag] += 1
        row.received += request
        row.sent += response


def reported(samples_by_node):
    """The same rows, from the agents' metrics; every series that they have."""
    rows = {}
    for node, samples in samples_by_node.items():
        for name, labels, value in samples:
            if name not in COUNTERS:
                continue
            secured = labels["connection_security_policy"] == "mutual_tls"
            key = (node, labels["reporter"], labels["source_workload"], labels["destination_workload"], secured)
            row, field = rows.setdefault(key, Row()), COUNTERS[name]
            if field in ("closed", "failed"):
                getattr(row, field)[labels["response_flags"]] += int(value)
            else:
                setattr(row, field, getattr(row, field) + int(value))
    return rows


def compare(expected, actual):
    """Rows for a table: (equal, cells); a second row with the expected numbers where they differ."""
    lines = []
    for key in sorted(expected.keys() | actual.keys()):
        node, reporter, source, server, secured = key
        want, have = expected.get(key), actual.get(key)
        name = [f"{node} {reporter}", f"{source} → {server}", "mTLS" if secured else "plaintext"]
        lines.append((want == have, name + (have or Row()).cells()))
        if want != have:
            lines.append((None, ["", "  the steps did", ""] + (want or Row()).cells()))
    return lines
