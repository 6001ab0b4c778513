"""One peer with its load, and the proof that what was measured went through it."""

import json
import os
import sys
import time

import meters
from commands import ROOT, Background, BenchError, run
from meters import CaptureMeter, PortMeter
from works import IDLE, figures

LOAD = os.path.join(ROOT, "perf", "target", "culvert-load")
HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 9000
TUNNEL_PORT = 15008
CAPTURE_SECONDS_MAX = 20
# What idle tunnels exchange meanwhile, PINGs and the like; far less than any work.
PINGS_BYTES_MAX = 4096
# A work beside another is under way when so much has arrived; it is told when to end, and ends by itself if nobody tells it.
BESIDE_BYTES = 4 << 20
BESIDE_SECONDS_MAX = 15


def together(result):
    """How much a run moved, and over how many connections, with what ran beside it."""
    parts = [part for part in (result, result.get("beside")) if part]
    return {key: sum(part[key] for part in parts) for key in ("connections", "bytes")}


class Side:
    """One peer with its server programs, and what was measured of it."""

    def __init__(self, peer):
        self.peer = peer
        self.servers = {}
        self.memory = {}
        self.handshake = None

    def address(self, member):
        return self.peer.lab.address(member, self.peer.ipv6)

    def start(self):
        self.peer.start()
        for member in self.peer.destinations:
            serve = [LOAD, "server", "--listen", "::" if self.peer.ipv6 else "0.0.0.0", "--port", str(PORT)]
            server = Background(
                f"the server of {self.peer.name} in {member}", self.peer.lab.inside(member, serve),
                os.path.join(self.peer.out, f"{member}-load.log"))
            server.await_word("culvert-load: listening", 5)
            self.servers[member] = server
        watcher = self._watch_handshake() if self.peer.tunnelled else None
        try:
            self._await_capture()
            if watcher:
                self.handshake = json.loads(watcher.await_word("{", 5))
                self._require_mutual()
        finally:
            if watcher:
                watcher.stop()
        self.note_memory("started")

    def _watch_handshake(self):
        watch = [sys.executable, os.path.join(HERE, "hello.py"), str(TUNNEL_PORT), str(CAPTURE_SECONDS_MAX + 30)]
        watcher = Background(
            f"the watcher of {self.peer.name}", self.peer.lab.inside("server", watch), os.path.join(self.peer.out, "hello.log"))
        watcher.await_word("watching", 5)
        return watcher

    def _require_mutual(self):
        """Who shows no certificate must be sent away: a TLS 1.3 client is told so in an alert after its own end of the handshake."""
        host = f"[{self.address('server')}]" if self.peer.ipv6 else self.address("server")
        command = ["openssl", "s_client", "-connect", f"{host}:{TUNNEL_PORT}", "-alpn", "h2", "-tls1_3", "-ign_eof"]
        said = run(self.peer.lab.inside("node-a", command), timeout=20, allowed=(0, 1), text_in="")
        if "certificate required" not in said.stdout + said.stderr:
            raise BenchError(f"{self.peer.name} takes peers without a certificate:\n{said.stderr}")

    def _await_capture(self):
        """A pod is captured when its agent has come to it; from then on everything must go through the tunnel."""
        until = time.monotonic() + CAPTURE_SECONDS_MAX
        while True:
            try:
                self.measure(("--work", "ping", "--count", "20", "--wait", "3"), 3)
                return
            except BenchError as trouble:
                if time.monotonic() > until:
                    raise BenchError(f"{self.peer.name} does not carry traffic: {trouble}") from trouble
                time.sleep(0.3)

    def client_command(self, arguments, seconds, to="server"):
        return self.peer.lab.inside(
            "client", [LOAD, "client", "--to", self.address(to), "--port", str(PORT), "--seconds", str(seconds), *arguments])

    def measure(self, arguments, seconds, to="server", beside=()):
        """Runs one work, with another beside it all the while if there is one, and returns (result, figures)."""
        for process in [*self.peer.agents(), *self.servers.values()]:
            process.require_alive()
        tunnel, capture = PortMeter(self.peer.lab, "server", TUNNEL_PORT), CaptureMeter(self.peer.lab, "client")
        tunnel.start()
        capture.start()
        wire = self.peer.lab.received_bytes(to)
        other = self._start_beside(beside, seconds, to) if beside else None
        try:
            agents, (machine, stolen) = self._agent_cpu(), meters.machine_seconds()
            done = run(self.client_command(arguments, seconds, to), timeout=seconds + 60, allowed=(0, 1, 3))
            agents, now = self._agent_cpu() - agents, meters.machine_seconds()
            result = self._result(done.returncode, done.stdout)
            if other:
                result["beside"] = self._end_beside(other)
        finally:
            if other:
                other.stop()
        self.require_path(together(result), tunnel.bytes(), capture.connections(), to)
        values = figures(result, agents if self.peer.agents() else None, now[0] - machine, result.get("beside"))
        values["stolen_cpu"] = now[1] - stolen
        values["wire_bytes"] = self.peer.lab.received_bytes(to) - wire
        return result, values

    def _result(self, code, text):
        if code == 1:
            raise BenchError(f"{self.peer.name} spoiled the payload: {text.strip()}")
        return json.loads(text)

    def _start_beside(self, arguments, seconds, to):
        """Starts a client that is to run as long as another is measured; returns when its bytes arrive."""
        before = self.peer.lab.received_bytes(to)
        command = self.client_command(arguments, seconds + BESIDE_SECONDS_MAX, to)
        other = Background(f"the client beside another of {self.peer.name}", command, os.path.join(self.peer.out, "beside.log"))
        try:
            until = time.monotonic() + 10
            while self.peer.lab.received_bytes(to) - before < BESIDE_BYTES:
                other.require_alive()
                if time.monotonic() > until:
                    raise BenchError(f"{other.name} does not come under way: {other.last_words()}")
                time.sleep(0.02)
        except BaseException:
            other.stop()
            raise
        return other

    def _end_beside(self, other):
        """Has it end, which it must not have done before, and returns its result."""
        other.require_alive()
        code = other.stop(20)
        line = next((line for line in other.last_words().splitlines() if line.startswith("{")), None)
        if line is None:
            raise BenchError(f"{other.name} ended with {code}: {other.last_words()}")
        return self._result(code, line)

    def require_path(self, result, tunnelled, captured, to="server"):
        """What a peer is said to carry must have gone through it, and nothing else."""
        name = self.peer.name
        if self.peer.tunnelled and captured < result["connections"]:
            raise BenchError(f"of {result['connections']} connections only {captured} were captured: {name} was bypassed")
        if not self.peer.tunnelled and captured > 0:
            raise BenchError(f"{captured} connections of {name} were captured")
        through = self.peer.tunnelled and to == "server"
        if through and tunnelled < result["bytes"]:
            raise BenchError(f"of {result['bytes']} bytes only {tunnelled} came through port {TUNNEL_PORT}: {name} was bypassed")
        if not through and tunnelled > PINGS_BYTES_MAX:
            raise BenchError(f"{tunnelled} bytes of {name} came through port {TUNNEL_PORT}")

    def _agent_cpu(self):
        return sum(meters.cpu_seconds(agent.pid) for agent in self.peer.agents())

    def note_memory(self, moment):
        if self.peer.agents():
            self.memory[moment] = [meters.memory(agent.pid) for agent in self.peer.agents()]

    def hold_idle(self, seconds):
        """Notes the memory while many connections are open and silent."""
        log = os.path.join(self.peer.out, "idle.log")
        client = Background("the idle client", self.client_command(IDLE, seconds), log)
        until = time.monotonic() + 20
        while not client.says("holding"):
            if client.process.poll() is not None or time.monotonic() > until:
                client.stop()
                raise BenchError(f"{self.peer.name} cannot hold idle connections: {client.last_words()}")
            time.sleep(0.05)
        self.note_memory("idle")
        if client.process.wait(seconds + 30) != 0:
            raise BenchError(f"{self.peer.name} lost idle connections: {client.last_words()}")

    def stop(self):
        for server in self.servers.values():
            server.stop()
        self.peer.stop()
