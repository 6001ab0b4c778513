"""The lab: a bridge, two nodes and four pods as network namespaces, an agent on each node, a server in a pod."""
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NODES = {"node-a": "10.77.0.1", "node-b": "10.77.0.2"}
PODS = {"client": "10.77.0.11", "intruder": "10.77.0.12", "server": "10.77.0.21", "legacy": "10.77.0.22"}
NODE_OF = {"client": "node-a", "intruder": "node-a", "server": "node-b"}
IDENTITY = "spiffe://cluster.local/ns/shop/sa/"
WEB, TICKER, LOAD = 8080, 8081, 9000

CURLRC = """silent
show-error
max-time = 15
noproxy = "*"
write-out = "%{http_code} %{size_request} %{size_header} %{size_download} %{time_total}"
"""


class LabError(Exception):
    """The lab could not be made, or something in it does not answer."""


class Curl:
    """What one run of curl said: its exit code, its complaint, and the bytes that it counted itself."""

    def __init__(self, code, out, err):
        numbers = out.split()
        self.code = code
        self.error = err.strip()
        self.status = int(numbers[0]) if numbers else 0
        self.request = int(numbers[1]) if numbers else 0
        self.response = int(numbers[2]) + int(numbers[3]) if numbers else 0
        self.body = int(numbers[3]) if numbers else 0
        self.seconds = float(numbers[4]) if numbers else 0.0

    def said(self):
        return f"exit {self.code}, status {self.status}, {self.error or 'no error'}"


class Running:
    """A program that runs in a namespace, with its output in a file."""

    def __init__(self, lab, where, arguments, name, **how):
        self.name = name
        self.log = os.path.join(lab.dir, name + ".log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                lab.within(where, arguments), stdin=subprocess.DEVNULL, stdout=how.pop("stdout", log), stderr=log,
                env=lab.environment, cwd=lab.dir, start_new_session=True, **how)
        self.ended_at = None
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._waiter.start()

    def _wait(self):
        self.process.wait()
        self.ended_at = time.monotonic()

    def ended(self, seconds):
        """When it ended, if it does within so many seconds."""
        self._waiter.join(seconds)
        return self.ended_at

    def tell(self, number=signal.SIGTERM):
        """Sends a signal, if it has not ended yet."""
        if self.ended_at is None:
            self.process.send_signal(number)

    def end(self, seconds=10):
        """Waits for the end of what was told to end."""
        if self.ended(seconds) is None:
            self.process.kill()
            self.ended(5)
        return self.process.returncode

    def stop(self, number=signal.SIGTERM, seconds=10):
        self.tell(number)
        return self.end(seconds)

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def lines(self):
        return self.text().splitlines()


class Lab:
    """Owns the namespaces and every process in them."""

    def __init__(self, directory):
        self.dir = directory
        self.mesh_file = os.path.join(directory, "mesh.yaml")
        self.environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.environment.update(CULVERT_STATE_DIR=os.path.join(directory, "state"), CURL_HOME=directory, LC_ALL="C",
                                PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1")
        self.running = []
        self.agents = {}
        self.marker = "culvert-demo-" + secrets.token_hex(16)

    # Namespaces.

    def build(self):
        self.write(".curlrc", CURLRC)
        for folder in ("www", "client", "intruder", "legacy"):
            os.makedirs(os.path.join(self.dir, folder), exist_ok=True)
        filler = "\n".join(secrets.token_hex(32) for _ in range(4096))
        self.write("www/letter.txt", f"{self.marker}\n{filler}\n")
        everyone = {**NODES, **PODS}
        self.ip(None, *(f"netns add {name}" for name in ["wire", *everyone]))
        self.ip(None, *(f"link add eth0 netns {name} type veth peer name {name} netns wire" for name in everyone))
        self.ip("wire", "link add br0 type bridge", "link set br0 up", "link set lo up",
                *(f"link set {name} master br0 up" for name in everyone))
        for name, address in everyone.items():
            self.ip(name, "link set lo up", f"addr add {address}/24 dev eth0", "link set eth0 up",
                    "route add default via 10.77.0.254")

    def ip(self, namespace, *commands):
        call = ["ip"] + (["-n", namespace] if namespace else []) + ["-batch", "-"]
        done = subprocess.run(call, input="\n".join(commands) + "\n", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"{' '.join(call)}: {done.stderr.strip()}")

    @staticmethod
    def within(where, arguments):
        return ["nsenter", f"--net=/run/netns/{where}", "--", *arguments]

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)

    # Programs.

    def start(self, where, command, name, **how):
        program = Running(self, where, shlex.split(command), name, **how)
        self.running.append(program)
        return program

    def run(self, where, command, seconds=30):
        """Runs to the end: exit code, output, errors."""
        done = subprocess.run(
            self.within(where, shlex.split(command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.dir,
            env=self.environment, timeout=seconds, check=False, start_new_session=True)
        return done.returncode, done.stdout, done.stderr

    def curl(self, where, command):
        return Curl(*self.run(where, command))

    def until(self, condition, seconds, what):
        """Waits for something that is about to happen; its value, or LabError."""
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            dead = [program for program in self.agents.values() if program.ended_at is not None]
            if dead:
                raise LabError(f"{dead[0].name} ended with {dead[0].process.returncode}: {' / '.join(dead[0].lines()[-3:])}")
            if time.monotonic() > end:
                raise LabError(f"{what}: not within {seconds} s")
            time.sleep(0.02)

    def serve(self):
        command = f"python3 -m http.server {WEB} --bind {PODS['server']} --directory www"
        self.web = self.start("server", command.replace("python3", shlex.quote(sys.executable), 1), "web")
        ticker = os.path.join(ROOT, "demo", "ticker.py")
        self.ticker = self.start("server", shlex.join([sys.executable, ticker, PODS["server"], str(TICKER)]), "ticker")
        self.until(lambda: self.listening("server", WEB) and self.listening("server", TICKER), 10, "the pod's servers")
        return command

    def listening(self, where, port):
        return f":{port} " in self.run(where, "ss -Hltn")[1]

    # Agents.

    def start_agent(self, node):
        command = f"bin/culvert-agent --node-name {node} --mesh-file mesh.yaml --ca-dir ca"
        self.agents[node] = self.start(node, command.replace("bin/", shlex.quote(ROOT) + "/bin/", 1), node)
        return command

    def ready(self, node):
        return self.curl(node, "curl -o /dev/null http://127.0.0.1:15021/healthz/ready").status == 200

    def metrics(self, node):
        """Every sample of an agent: (name, labels, value)."""
        code, text, error = self.run(node, 'curl --write-out "" http://127.0.0.1:15020/metrics')
        if code != 0:
            raise LabError(f"metrics of {node}: {error.strip()}")
        return [_sample(line) for line in text.splitlines() if line and not line.startswith("#")]

    def metric(self, node, name, **labels):
        return sum(value for sample, has, value in self.metrics(node)
                   if sample == name and all(has.get(k) == v for k, v in labels.items()))

    def applied(self):
        return {node: self.metric(node, "culvert_config_reload_total", result="applied") for node in NODES}

    def write_mesh(self, text):
        """Replaces the mesh file, as an editor does; says when."""
        at = time.monotonic()
        self.write("mesh.yaml", text)
        return at

    def edit_mesh(self, text):
        """Replaces the mesh file and waits until both agents have it in force."""
        before = self.applied()
        self.write_mesh(text)
        self.until(lambda: all(n > before[node] for node, n in self.applied().items()), 5, "the edited mesh.yaml in force")

    def mark(self):
        """Where both access logs are now; entry() looks only at what comes after."""
        return {node: len(agent.text()) for node, agent in self.agents.items()}

    def entry(self, node, mark, **wanted):
        """The line of a node's access log after the mark that has these fields; waits for it."""
        def find():
            for line in self.agents[node].text()[mark[node]:].splitlines():
                fields = fields_of(line)
                if all(fields.get(_field(k), "").startswith(v) for k, v in wanted.items()):
                    return fields
            return None
        return self.until(find, 5, f"a line in the access log of {node} with {wanted}")

    def pods_served(self, **counts):
        """Waits until each agent serves so many pods."""
        for node, count in counts.items():
            node = node.replace("_", "-")
            self.until(lambda n=node, c=count: self.metric(n, "workload_manager_active_proxy_count") == c, 15,
                       f"{node} to serve {count} pods")

    def close(self):
        """Ends what runs; the agents last, and gracefully. Exit codes of the agents."""
        agents = list(self.agents.values())
        for program in self.running:
            if program not in agents:
                program.stop(signal.SIGKILL)
        for agent in agents:
            agent.tell()
        # A second signal would cut the first one's drain short.
        return {agent.name: agent.end() for agent in agents}


def _field(name):
    return name.replace("__", "-").replace("_", ".").replace("-", "_")


def _sample(line):
    name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)(?: .*)?", line).groups()
    return name, dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")), float(value)


def fields_of(line):
    """The fields of a line of the access log; none for other lines."""
    parts = line.split("\t")
    if len(parts) < 5 or parts[2] != "access":
        return {}
    found = {key: quoted or plain for key, _, quoted, plain in re.findall(r'([\w.]+)=("((?:[^"\\]|\\.)*)"|(\S+))', parts[4])}
    return {**found, "message": parts[3], "line": line}
