"""What carries the traffic between the two pods.

Another pair (two Envoys, two agents of another mesh) is one more class with the same six methods, and one more line in PEERS:
the works, the meters and the tables know only these methods.
"""

import os
import time

from commands import ROOT, Background, BenchError, run, text_of
from lab import Lab
from meters import TunnelMeter

READY_SECONDS_MAX = 30
READY_PROBE = "import sys, urllib.request as u; sys.exit(u.urlopen(sys.argv[1], timeout=2).status != 200)"
AGENT = os.path.join(ROOT, "bin", "culvert-agent")


class Direct:
    """Nothing between the pods but the bridge: the floor that everything else is a ratio of."""

    name = "direct"
    tunnel_port = 15008
    tunnelled = False

    def __init__(self, out):
        self.out = os.path.join(out, self.name)
        os.makedirs(self.out, exist_ok=True)
        self.lab = Lab(self.name)
        self.processes = []

    @staticmethod
    def missing():
        """Why it cannot be measured here, or nothing."""
        return ""

    def version(self):
        return "TCP over a bridge, " + text_of("sysctl", "-n", "net.ipv4.tcp_congestion_control")

    def start(self):
        """Makes the network and everything in it; ready for connections when it returns."""
        self.lab.make()

    def agents(self):
        """The processes whose CPU and memory are the cost of this peer."""
        return self.processes

    def tunnel(self):
        return TunnelMeter(self.lab, self.tunnel_port)

    def stop(self):
        for process in self.processes:
            process.stop()
        self.lab.remove()


class Culvert(Direct):
    """Two agents in file mode, each in its node's network; they capture the pods by themselves."""

    name = "culvert"
    tunnelled = True

    @staticmethod
    def missing():
        return "" if os.access(AGENT, os.X_OK) else "bin/culvert-agent is not built; `make build` builds it"

    def version(self):
        return text_of(AGENT, "--version").partition("\n")[0]

    def start(self):
        super().start()
        authority, mesh = os.path.join(self.out, "ca"), os.path.join(self.out, "mesh.yaml")
        run([AGENT, "ca", "init", authority])
        with open(mesh, "w", encoding="utf-8") as file:
            file.write(mesh_yaml(self.lab))
        for node in ("node-a", "node-b"):
            state = os.path.join(self.out, "state")
            command = [AGENT, "--mesh-file", mesh, "--ca-dir", authority, "--state-dir", state, "--node-name", node]
            self.processes.append(
                Background(f"the agent of {node}", self.lab.inside(node, command), os.path.join(self.out, node + ".log")))
        for node, agent in zip(("node-a", "node-b"), self.processes):
            self._await_ready(node, agent)

    def _await_ready(self, node, agent):
        probe = self.lab.inside(node, ["python3", "-c", READY_PROBE, "http://127.0.0.1:15021/healthz/ready"])
        until = time.monotonic() + READY_SECONDS_MAX
        while run(probe, allowed=(0, 1)).returncode != 0:
            agent.require_alive()
            if time.monotonic() > until:
                raise BenchError(f"{agent.name} was not ready after {READY_SECONDS_MAX} s:\n{agent.last_words()}")
            time.sleep(0.2)


def mesh_yaml(lab):
    """Two captured pods on two nodes, and ten policies of which the last allows the client."""
    workloads = "".join(
        f"""  - name: {name}
    namespace: bench
    serviceAccount: {name}
    addresses: [{lab.address(name)}, "{lab.address(name, ipv6=True)}"]
    labels: {{app: {name}}}
    node: {node}
    netns: {lab.path(name)}
"""
        for name, node in (("client", "node-a"), ("server", "node-b")))
    allow = "".join(_policy(f"allow-{account}", "ALLOW", f"principals: [cluster.local/ns/bench/sa/{account}]")
                    for account in [f"other-{number}" for number in range(1, 9)] + ["client"])
    deny = _policy("deny-elsewhere", "DENY", "namespaces: [elsewhere]")
    return f"workloads:\n{workloads}policies:\n{deny}{allow}"


def _policy(name, action, source):
    return f"""  - name: {name}
    namespace: bench
    selector: {{matchLabels: {{app: server}}}}
    action: {action}
    rules: [{{from: [{{source: {{{source}}}}}]}}]
"""


PEERS = {peer.name: peer for peer in (Direct, Culvert)}
