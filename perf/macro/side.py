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

    def measure(self, arguments, seconds, to="server"):
        """Runs one work and returns (result, figures)."""
        for process in [*self.peer.agents(), *self.servers.values()]:
            process.require_alive()
        tunnel, capture = PortMeter(self.peer.lab, "server", TUNNEL_PORT), CaptureMeter(self.peer.lab, "client")
        tunnel.start()
        capture.start()
        wire = self.peer.lab.received_bytes(to)
        agents, (machine, stolen) = self._agent_cpu(), meters.machine_seconds()
        done = run(self.client_command(arguments, seconds, to), timeout=seconds + 60, allowed=(0, 1, 3))
        agents, now = self._agent_cpu() - agents, meters.machine_seconds()
        if done.returncode == 1:
            raise BenchError(f"{self.peer.name} spoiled the payload: {done.stdout.strip()}")
        result = json.loads(done.stdout)
        self.require_path(result, tunnel.bytes(), capture.connections(), to)
        values = figures(result, agents if self.peer.agents() else None, now[0] - machine)
        values["stolen_cpu"] = now[1] - stolen
        values["wire_bytes"] = self.peer.lab.received_bytes(to) - wire
        return result, values

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
