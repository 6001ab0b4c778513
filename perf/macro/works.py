"""The works that are measured, and what of each is shown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """One work of the load generator; `rows` are the measures that the tables show, best known first; `to` is where it goes.

    `beside` is another work between the same two pods, which runs all the while and is not measured itself, but for its rate.
    """

    name: str
    arguments: tuple
    rows: tuple
    to: str = "server"
    beside: tuple = ()


@dataclass(frozen=True)
class Row:
    """A measure: its key in a run's figures, what the table calls it, and whether more is better."""

    key: str
    title: str
    more_is_better: bool = False


GBITS = Row("gbits", "Gbit/s", True)
GBITS_BESIDE = Row("gbits_beside", "bulk beside it, Gbit/s", True)
RATE = Row("rate", "per second", True)
P50 = Row("p50", "p50 us")
P99 = Row("p99", "p99 us")
P999 = Row("p99.9", "p99.9 us")
MAX = Row("max", "max us")
AGENT_GB = Row("agent_cpu_gb", "both agents, CPU-s/GB")
MACHINE_GB = Row("machine_cpu_gb", "whole machine, CPU-s/GB")
AGENT_OP = Row("agent_cpu_op", "both agents, CPU-us/op")
MACHINE_OP = Row("machine_cpu_op", "whole machine, CPU-us/op")

BULK_ROWS = (GBITS, AGENT_GB, MACHINE_GB)
EXCHANGE_ROWS = (RATE, P50, P99, P999, MAX, AGENT_OP, MACHINE_OP)
PACED_ROWS = (P50, P99, P999, MAX, AGENT_OP, MACHINE_OP)
# What the CPU time was spent for cannot be told apart.
BESIDE_ROWS = (P50, P99, P999, MAX, RATE, GBITS_BESIDE)


def _work(name, arguments, rows, to="server", beside=""):
    return Work(name, tuple(arguments.split()), rows, to, tuple(beside.split()))


WORKS = (
    _work("bulk, 1 connection", "--work bulk --connections 1", BULK_ROWS),
    _work("bulk, 8 connections", "--work bulk --connections 8", BULK_ROWS),
    _work("ping-pong 256 B, 1 connection", "--work ping --size 256 --connections 1", EXCHANGE_ROWS),
    _work("ping-pong 256 B, 1 connection, beside bulk", "--work ping --size 256 --connections 1", BESIDE_ROWS,
          beside="--work bulk --connections 1"),
    _work("ping-pong 256 B, 64 connections", "--work ping --size 256 --connections 64", EXCHANGE_ROWS),
    _work("ping-pong 16 KiB, 16 connections", "--work ping --size 16384 --connections 16", EXCHANGE_ROWS),
    _work("connect, 1 exchange, close, 16 at once", "--work connect --size 256 --connections 16", EXCHANGE_ROWS),
    _work("open loop 2,000/s over 64 connections", "--work open --size 256 --connections 64 --rate 2000", PACED_ROWS),
    _work("bulk to outside the mesh, 1 connection", "--work bulk --connections 1", BULK_ROWS, "outside"),
    _work("bulk to outside the mesh, 8 connections", "--work bulk --connections 8", BULK_ROWS, "outside"),
)


@dataclass(frozen=True)
class Target:
    """What a measure of the last peer should be: `bound` times that of another peer, or of its own other work, or `bound` itself."""

    work: str
    key: str
    bound: float
    of: str = "envoy"
    own: str = ""


def _targets(work, *bounds, of="envoy", own=""):
    return tuple(Target(work, key, bound, of, own) for key, bound in bounds)


# At least, where more is better; at most, where less is.
TARGETS = (
    *_targets("bulk, 1 connection", ("gbits", 1.5), ("agent_cpu_gb", 0.6)),
    *_targets("bulk, 8 connections", ("gbits", 1.5), ("agent_cpu_gb", 0.6)),
    *_targets("ping-pong 256 B, 1 connection", ("p50", 0.7), ("agent_cpu_op", 0.6)),
    *_targets("ping-pong 256 B, 1 connection, beside bulk", ("p99", 3), of="", own="ping-pong 256 B, 1 connection"),
    *_targets("ping-pong 256 B, 64 connections", ("rate", 1.6), ("p99", 0.7), ("agent_cpu_op", 0.5)),
    *_targets("ping-pong 16 KiB, 16 connections", ("rate", 1.4), ("agent_cpu_op", 0.6)),
    *_targets("connect, 1 exchange, close, 16 at once", ("rate", 2.5), ("p99", 0.5), ("agent_cpu_op", 0.35)),
    *_targets("open loop 2,000/s over 64 connections", ("p99", 0.8)),
    *_targets("open loop 2,000/s over 64 connections", ("p99", 3000), of=""),
    *_targets("bulk to outside the mesh, 1 connection", ("gbits", 0.7), of="direct"),
    *_targets("bulk to outside the mesh, 8 connections", ("gbits", 0.7), of="direct"),
    *_targets("bulk to outside the mesh, 1 connection", ("agent_cpu_gb", 0.25), of=""),
    *_targets("bulk to outside the mesh, 8 connections", ("agent_cpu_gb", 0.25), of=""),
)

# What a just-in-time compiler, a pool and a cache need before they show what they can.
WARM_UP = (
    ("--work", "connect", "--connections", "16"),
    ("--work", "ping", "--connections", "64"),
    ("--work", "bulk", "--connections", "8"),
    ("--work", "ping", "--size", "16384", "--connections", "16"),
)

IDLE_CONNECTIONS = 4000
IDLE = ("--work", "idle", "--connections", str(IDLE_CONNECTIONS), "--wait", "60")


def figures(result, agent_cpu, machine_cpu, beside=None):
    """The measures of one run, from the load generator's result and the CPU used meanwhile (no agents: None).

    `beside` is the result of the work that ran all the while.
    """
    gigabytes = result["bytes"] / 1e9
    operations = result["operations"]
    values = {"failed": result["failed"] + (beside["failed"] if beside else 0)}
    if result["work"] == "bulk":
        values["gbits"] = result["bits_per_second"] / 1e9
        values["agent_cpu_gb"] = agent_cpu / gigabytes if gigabytes and agent_cpu is not None else None
        values["machine_cpu_gb"] = machine_cpu / gigabytes if gigabytes else None
        return values
    values["rate"] = result["operations_per_second"]
    values.update({key: result["latency_us"][key] for key in ("p50", "p99", "p99.9", "max")})
    if beside:
        values["gbits_beside"] = beside["bits_per_second"] / 1e9
        return values
    values["agent_cpu_op"] = agent_cpu * 1e6 / operations if operations and agent_cpu is not None else None
    values["machine_cpu_op"] = machine_cpu * 1e6 / operations if operations else None
    return values
