"""What carries the traffic between the two pods.

Another pair is one more class with the same methods, and one more name in PEERS: the works, the meters and the tables know only
these methods.
"""

import os
import re
import sys
import time

from commands import ROOT, Background, BenchError, run, text_of
from lab import Lab

READY_SECONDS_MAX = 30
HERE = os.path.dirname(os.path.abspath(__file__))
RULES = os.path.join(ROOT, "cni-plugin", "src", "test", "resources", "golden", "standard.txt")
LEAF = """subjectAltName=critical,URI:spiffe://cluster.local/ns/bench/sa/{account}
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
basicConstraints=critical,CA:FALSE
"""


class Direct:
    """Nothing between the pods but the bridge: the floor that everything else is a ratio of."""

    name = "direct"
    tunnelled = False
    destinations = ("server", "outside")

    def __init__(self, out, ipv6=False):
        self.ipv6 = ipv6
        self.out = os.path.join(out, self.name)
        os.makedirs(self.out, exist_ok=True)
        self.lab = Lab(self.name)
        self.processes = []
        self.start_seconds = []

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

    def launch(self, member, name, command, environment=None):
        """Starts an agent in a member's network, and notes how long it takes to be ready."""
        log = os.path.join(self.out, name)
        asking = Background(
            f"the asker of {member}",
            self.lab.inside(member, [sys.executable, os.path.join(HERE, "ready.py"), str(READY_SECONDS_MAX)]), log + ".ready")
        asking.await_word("asking", READY_SECONDS_MAX)
        started = time.monotonic()
        agent = Background(f"the agent of {member}", self.lab.inside(member, command), log + ".log", environment)
        self.processes.append(agent)
        try:
            ready = asking.await_word("ready ", READY_SECONDS_MAX, beside=agent)
        finally:
            asking.stop()
        self.start_seconds.append(float(ready.split()[1]) - started)

    def stop(self):
        for process in self.processes:
            process.stop()
        self.lab.remove()


class Culvert(Direct):
    """Two agents in file mode, each in its node's network; they capture the pods by themselves."""

    name = "culvert"
    tunnelled = True
    agent = os.path.join(ROOT, "bin", "culvert-agent")

    @classmethod
    def missing(cls):
        return "" if os.access(cls.agent, os.X_OK) else f"{cls.agent} is not built; `make build` builds it"

    def version(self):
        return text_of(self.agent, "--version").partition("\n")[0]

    # Where each pod runs.
    nodes = {"client": "node-a", "server": "node-b"}
    environment = None

    def start(self):
        super().start()
        authority, mesh = os.path.join(self.out, "ca"), os.path.join(self.out, "mesh.yaml")
        run([self.agent, "ca", "init", authority])
        with open(mesh, "w", encoding="utf-8") as file:
            file.write(mesh_yaml(self.lab, self.nodes))
        for node in sorted(set(self.nodes.values())):
            state = os.path.join(self.out, "state")
            self.launch(
                node, node,
                [self.agent, "--mesh-file", mesh, "--ca-dir", authority, "--state-dir", state, "--node-name", node],
                self.environment)


class Baseline(Culvert):
    """Another build of the same, to tell what a change brings."""

    name = "baseline"
    agent = os.path.join(os.environ.get("CULVERT_BASELINE", ""), "bin", "culvert-agent")

    @classmethod
    def missing(cls):
        return super().missing() if "CULVERT_BASELINE" in os.environ else "CULVERT_BASELINE names no other clone that is built"


class Envoy(Direct):
    """An Envoy in each pod, as a sidecar that speaks HBONE, under the same redirect rules. It tunnels whatever it captures."""

    name = "envoy"
    tunnelled = True
    destinations = ("server",)
    workers = 2

    @staticmethod
    def program():
        return text_of("build/envoy")

    @staticmethod
    def missing():
        return "" if Envoy.program() else "Envoy could not be fetched by pip; `build/envoy` says why"

    def version(self):
        found = re.search(r"version: \w+/([\d.]+)", text_of(self.program(), "--version"))
        return f"Envoy {found.group(1) if found else 'unknown'}, {self.workers} workers"

    def start(self):
        super().start()
        authority(self.out)
        for pod in ("client", "server"):
            capture(self.lab, pod)
            config = os.path.join(self.out, pod + ".yaml")
            with open(os.path.join(HERE, "envoy.yaml"), encoding="utf-8") as template, open(config, "w", encoding="utf-8") as file:
                file.write(self._filled(template.read(), certify(self.out, pod)))
            self.launch(
                pod, pod,
                [self.program(), "-c", config, "--concurrency", str(self.workers), "--disable-hot-restart", "--log-level", "warning"])

    def _filled(self, text, files):
        for name, value in {**files, "ANY": "::" if self.ipv6 else "0.0.0.0"}.items():
            text = text.replace(f"@{name}@", value)
        return text


def authority(folder):
    """A root certificate for a pair that has no authority of its own; P-256, as our own authority's."""
    run(["openssl", "req", "-x509", *_key(folder, "root"), "-out", os.path.join(folder, "root.pem"), "-subj", "/O=bench", "-days", "1"])


def _key(folder, name):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", os.path.join(folder, name + ".key")]


def certify(folder, account):
    """A certificate of the SPIFFE identity of an account; where it, its key and the root are."""
    request, leaf, extensions = (os.path.join(folder, account + end) for end in (".csr", ".pem", ".ext"))
    root = os.path.join(folder, "root")
    with open(extensions, "w", encoding="ascii") as file:
        file.write(LEAF.format(account=account))
    run(["openssl", "req", "-new", *_key(folder, account), "-out", request, "-subj", "/O=bench"])
    run(["openssl", "x509", "-req", "-in", request, "-CA", root + ".pem", "-CAkey", root + ".key", "-CAcreateserial",
         "-extfile", extensions, "-days", "1", "-out", leaf])
    return {"CERT": leaf, "KEY": os.path.join(folder, account + ".key"), "ROOT": root + ".pem"}


def capture(lab, pod):
    """Writes the redirect rules that our agents write, as their golden test has them."""
    with open(RULES, encoding="utf-8") as file:
        families = re.split(r"^# V[46]\n", file.read(), flags=re.MULTILINE)[1:]
    for family, text in zip(("", "6"), families):
        lines = text.splitlines()
        for line in lines:
            if line.startswith("ip -N "):
                run(["ip", "-n", lab.netns(pod), *line.split()[2:]])
        rules = "".join(line + "\n" for line in lines if not line.startswith("ip -N "))
        run(lab.inside(pod, [f"ip{family}tables-restore", "--noflush"]), text_in=rules)


def mesh_yaml(lab, nodes):
    """Two captured pods on their nodes, and ten policies of which the last allows the client."""
    workloads = "".join(
        f"""  - name: {name}
    namespace: bench
    serviceAccount: {name}
    addresses: [{lab.address(name)}, "{lab.address(name, ipv6=True)}"]
    labels: {{app: {name}}}
    node: {node}
    netns: {lab.path(name)}
"""
        for name, node in nodes.items())
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


PEERS = {peer.name: peer for peer in (Direct, Envoy, Baseline, Culvert)}
