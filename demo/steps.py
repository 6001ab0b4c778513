"""The seven steps. Each does something with ordinary programs, shows what was seen, and checks it."""
import hashlib
import json
import os
import re
import signal
import time

import ledger as ledgers
import mesh
from capture import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HBONE, Capture, records, server_hello
from lab import IDENTITY, LOAD, NODES, PODS, ROOT, TICKER, WEB

CLIENT, SERVER, LEGACY, INTRUDER = PODS["client"], PODS["server"], PODS["legacy"], PODS["intruder"]


def short(identity):
    return f"*…{identity[identity.index('/sa/'):]}*"


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Steps:
    def __init__(self, lab, story):
        self.lab = lab
        self.story = story
        self.ledger = ledgers.Ledger()
        self.moved = {}
        self.letter = f"http://{SERVER}:{WEB}/letter.txt?{lab.marker[:21]}"
        self.query = lab.marker[:21].encode()

    def all(self):
        with Capture(self.lab, "tunnel") as wire:
            self.request()
        self.encrypted(wire)
        self.intruder()
        self.legacy()
        self.live_edit()
        self.metrics()
        self.speed()

    # What several steps do.

    def fetch(self, pod):
        """The letter, by curl; says what was run."""
        command = f"curl -o {pod}/letter.txt {self.letter}"
        self.story.command(pod, command)
        copy = os.path.join(self.lab.dir, pod, "letter.txt")
        if os.path.exists(copy):
            os.unlink(copy)
        return self.lab.curl(pod, command)

    def arrived(self, pod, curl):
        """Checks that the whole letter arrived and that the server knows from whom."""
        copy, original = (os.path.join(self.lab.dir, place, "letter.txt") for place in (pod, "www"))
        whole = curl.code == 0 and curl.status == 200 and digest(copy) == digest(original)
        self.story.check(whole, f"200 OK in *{curl.seconds * 1000:.0f} ms*: {curl.body:,} bytes, the same by SHA-256", curl.said())
        seen = self.web_lines()[-1:]
        self.story.check(bool(seen) and seen[0].startswith(PODS[pod] + " "),
                         f"the server's own log names the pod's address: {PODS[pod]}", f"its last line: {seen}")

    def web_lines(self):
        return [line for line in self.lab.web.lines() if '"GET ' in line]

    def refused(self, curl, lines_before):
        self.story.saw(curl.error or "curl had nothing to complain about")
        self.story.check(curl.code != 0 and curl.response == 0, "curl got not one byte", curl.said())
        self.story.check(len(self.web_lines()) == lines_before, "the server never heard of it", str(self.web_lines()[lines_before:]))

    # 1

    def request(self):
        with self.story.step("An ordinary request crosses from node-a to node-b"):
            self.mark = self.lab.mark()
            self.story.prose("In the server pod lies letter.txt; its first line is a secret made for this run:")
            self.story.saw(self.lab.marker)
            self.first = self.fetch("client")
            self.ledger.tunnelled("client", "server", self.first.request, self.first.response)
            self.arrived("client", self.first)

    # 2

    def encrypted(self, wire):
        with self.story.step("It was encrypted, and both ends proved who they are"):
            self.story.command("wire", wire.COMMAND)
            self.tunnel(wire)
            self.control()
            self.logged()
            self.certificate()

    def tunnel(self, wire):
        check = self.story.check
        flows = wire.flows(CLIENT, SERVER)
        others = [flow for flow in flows if HBONE not in (flow[1], flow[3])]
        check(wire.dropped == 0 and len(flows) == 2 and not others,
              f"{len(wire.packets)} packets on the bridge, none missed: one connection between the pods, to *port {HBONE}*",
              f"dropped {wire.dropped}, flows {list(flows)}")
        found = wire.find(self.lab.marker.encode()), wire.find(self.query)
        check(found == ((0, 0), (0, 0)), "searched packet by packet and stream by stream: *not a trace* of the letter's secret "
              "line or of the request", f"found in (streams, packets): {found}")
        if len(flows) != 2 or others:
            return
        to_server = next(records(data) for flow, data in flows.items() if flow[3] == HBONE)
        to_client = next(records(data) for flow, data in flows.items() if flow[1] == HBONE)
        version, suite = server_hello(to_client[0][1])
        kinds = {kind for kind, _ in to_server[1:] + to_client[1:]}
        check(to_server[0][0] == HANDSHAKE and version == 0x0304 and kinds <= {CHANGE_CIPHER_SPEC, APPLICATION_DATA},
              f"ClientHello, ServerHello, then nothing in the clear: *TLS {'1.3' if version == 0x0304 else hex(version)}*, {suite}",
              f"version {version:#x}, records of type {kinds}")
        carried, sent = self.first.request + self.first.response, sum(map(len, flows.values()))
        check(carried <= sent < carried * 1.1 + 20_000,
              f"{sent:,} bytes to and from port {HBONE} for {carried:,} carried: {100 * (sent - carried) / carried:.1f} % more, "
              "handshake included")

    def control(self):
        self.story.prose("The control: the same search must find what is not encrypted, from the pod outside the mesh.")
        with Capture(self.lab, "control") as wire:
            curl = self.fetch("legacy")
        self.ledger.plaintext("legacy", "server", curl.request, curl.response)
        streams = wire.find(self.lab.marker.encode())[0], wire.find(self.query)[0]
        self.story.check(curl.code == 0 and streams == (1, 2),
                         "*found*: the secret line in the answer, the request in both directions",
                         f"{curl.said()}; streams with the secret line and with the request: {streams}, not 1 and 2")

    def logged(self):
        self.story.prose(f"Who spoke to whom, as each agent logged it (… is {IDENTITY.rpartition('/sa/')[0]}):")
        want = {"src_identity": IDENTITY + "client", "dst_identity": IDENTITY + "server"}
        for node, direction in (("node-a", "outbound"), ("node-b", "inbound")):
            entry = self.lab.entry(node, self.mark, direction=direction, **want)
            ours, theirs = (entry.get("bytes_sent"), entry.get("bytes_recv"))
            request, answer = (ours, theirs) if direction == "outbound" else (theirs, ours)
            self.story.check((request, answer) == (str(self.first.request), str(self.first.response)),
                             f"{node} {direction}: {short(entry['src.identity'])} → {short(entry['dst.identity'])}, "
                             f"{int(request):,} bytes there and {int(answer):,} back, as curl counted", entry["line"])

    def certificate(self):
        """The server pod's certificate, as openssl sees it; without one of our own we are let no further than that."""
        command = f"openssl s_client -connect {SERVER}:{HBONE} -alpn h2 -CAfile ca/roots.pem -verify_return_error"
        self.story.command("legacy", command)
        _, out, err = self.lab.run("legacy", command)
        pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", out, re.S)
        self.lab.write("server.pem", (pem.group(0) if pem else err) + "\n")
        _, facts, err = self.lab.run("legacy", "openssl x509 -in server.pem -noout -ext subjectAltName -enddate")
        names = re.findall(r"(URI|DNS|IP Address|email):([^\s,]+)", facts)
        until = re.search(r"notAfter=(.*)", facts)
        self.story.check("TLSv1.3" in out and "Verify return code: 0 (ok)" in out and names == [("URI", IDENTITY + "server")],
                         f"openssl: TLS 1.3, chain verified, its one name *{IDENTITY}server*, until {until and until.group(1)}",
                         f"{names} {out[-300:]} {err}")

    # 3

    def intruder(self):
        with self.story.step("An intruder is denied, by name"):
            lines, mark = len(self.web_lines()), self.lab.mark()
            curl = self.fetch("intruder")
            self.ledger.tunnelled("intruder", "server", 0, 0, ("CONNECT", "DENY"))
            self.refused(curl, lines)
            entry = self.lab.entry("node-b", mark, src_identity=IDENTITY + "intruder")
            self.denied_by(entry, "shop/no-intruders")

    def denied_by(self, entry, policy, what="denied by policy"):
        error = entry.get("error", "")
        self.story.saw(f"node-b: {error}")
        self.story.check(error.startswith(what) and error.endswith(policy), f"the policy that did it: *{policy}*", entry["line"])

    # 4

    def legacy(self):
        with self.story.step("A legacy pod works in plaintext, until STRICT"):
            curl = self.fetch("legacy")
            self.ledger.plaintext("legacy", "server", curl.request, curl.response)
            self.arrived("legacy", curl)
            self.story.prose("Two lines more in mesh.yaml, and only peers with an identity are let in:")
            self.story.change(*mesh.STRICT.splitlines())
            self.lab.edit_mesh(mesh.text(strict=True))
            lines, mark = len(self.web_lines()), self.lab.mark()
            curl = self.fetch("legacy")
            self.ledger.plaintext("legacy", "server", 0, 0, "DENY")
            self.refused(curl, lines)
            self.denied_by(self.lab.entry("node-b", mark, src_addr=LEGACY), "istio-system/istio_converted_static_strict")
            curl = self.fetch("client")
            self.ledger.tunnelled("client", "server", curl.request, curl.response)
            self.arrived("client", curl)

    # 5

    def live_edit(self):
        with self.story.step("A policy edited live ends an open connection"):
            mark = self.lab.mark()
            command = f"curl -N -o client/ticks.txt http://{SERVER}:{TICKER}/"
            self.story.command("client", command)
            ticks = os.path.join(self.lab.dir, "client", "ticks.txt")
            curl = self.lab.start("client", command, "curl-ticks")
            self.lab.until(lambda: os.path.exists(ticks) and self.count(ticks) == 10 or curl.ended_at, 10, "ten ticks")
            self.story.check(curl.ended_at is None, "ten lines came, one every 50 ms; the connection stays open", curl.text())
            self.story.change(*mesh.CLOSING_TIME.splitlines())
            edited = self.lab.write_mesh(mesh.text(strict=True, closing_time=True))
            ended = curl.ended(10)
            if not self.story.check(ended is not None, "the connection ended", "it is open 10 s later"):
                curl.stop(signal.SIGKILL)
                return
            self.cut(curl, ended - edited)
            entry = self.lab.entry("node-b", mark, dst_hbone__addr=f"{SERVER}:{TICKER}")
            self.denied_by(entry, "shop/closing-time", "no longer allowed by policy")

    @staticmethod
    def count(path):
        with open(path, "rb") as file:
            return file.read().count(b"\n")

    def cut(self, curl, seconds):
        error, numbers = "", ""
        for line in curl.lines():
            error, numbers = (line, numbers) if line.startswith("curl:") else (error, line)
        self.story.saw(error)
        self.story.check(curl.process.returncode in (18, 56) and seconds < 1,
                         f"cut *{seconds * 1000:.0f} ms* after the file was saved, in mid-air, not at its end",
                         f"after {seconds:.3f} s, exit {curl.process.returncode}")
        _, request, header, body, _ = numbers.rpartition("\r")[2].split()
        # To the source's agent it is a connection that the other end reset, as applications may.
        self.ledger.tunnelled("client", "server", int(request), int(header) + int(body), ("-", "DENY"))

    # 6

    def metrics(self):
        with self.story.step("The metrics recorded all of it, exactly"):
            for node in NODES:
                self.story.command(node, "curl http://127.0.0.1:15020/metrics")
            expected = self.ledger.rows
            end = time.monotonic() + 3
            actual = None
            while actual != expected and time.monotonic() < end:
                samples = {node: self.lab.metrics(node) for node in NODES}
                actual = ledgers.reported(samples)
            self.story.table(ledgers.Ledger.SIDES, ledgers.Ledger.HEAD, ledgers.compare(expected, actual))
            self.story.check(actual == expected, f"{len(actual)} rows: every connection, end and byte *exactly* as the steps above did them, "
                             "and nothing else", "they differ")
            self.principals(samples)
            refused = [(labels["kind"], value) for name, labels, value in samples["node-b"]
                       if name == "culvert_bad_peer_total" and value]
            self.story.check(refused == [("no_certificate", 1)], "openssl, which had no certificate, was counted too: once",
                             str(refused))

    def principals(self, samples):
        wrong = [labels for node in samples for name, labels, _ in samples[node] if name in ledgers.COUNTERS
                 and labels["connection_security_policy"] == "mutual_tls"
                 and (labels["source_principal"], labels["destination_principal"])
                 != (IDENTITY + labels["source_workload"], IDENTITY + labels["destination_workload"])]
        self.story.check(not wrong, "each mTLS row is labelled with both SPIFFE identities", str(wrong[:1]))

    # 7

    def speed(self):
        with self.story.step("What it costs: the same two pods, in the mesh and out of it"):
            self.load = self.lab.start("server", f"{ROOT}/perf/target/culvert-load server --listen {SERVER} --port {LOAD}", "load")
            self.lab.until(lambda: self.lab.listening("server", LOAD), 10, "the load generator's server")
            self.story.command("client", f"culvert-load client --to {SERVER} --port {LOAD} --work bulk | ping | connect")
            before = self.counted()
            meshed = self.measure("tunnelled")
            during = self.counted()
            self.lab.write_mesh(mesh.text(captured=("intruder",)))
            self.lab.pods_served(node_a=1, node_b=0)
            direct = self.measure("direct")
            after = self.counted()
            self.rates(direct, meshed)
            carried = self.moved.pop("tunnelled")
            self.story.check(during - before >= carried, f"tunnelled: the metrics of node-b have all {carried:,} bytes of it",
                             f"{during - before:,} of {carried:,}")
            self.story.check(after == during, f"direct, with both pods taken out of mesh.yaml: not one of {self.moved['direct']:,}", f"{after - during:,}")
            wrong = {k: (run["failed"], run["mismatched"]) for k, run in [*meshed.items(), *direct.items()]
                     if run["failed"] or run["mismatched"] or not run["operations"]}
            self.story.check(not wrong, "every payload was verified at the other end, none was wrong or lost", str(wrong))

    def measure(self, how):
        runs = {}
        # The first round warms up, for both ways alike.
        for work, seconds in (("bulk", 1), ("ping", 1), ("connect", 1), ("bulk", 2), ("ping", 2), ("connect", 1)):
            self.story.transient(f"measuring {how}: {work} ...")
            code, out, err = self.lab.run(
                "client", f"{ROOT}/perf/target/culvert-load client --to {SERVER} --port {LOAD} --work {work} --seconds {seconds}")
            self.story.transient("")
            if not out.startswith("{"):
                raise RuntimeError(f"culvert-load {work}: exit {code}: {err.strip()}")
            runs[work] = json.loads(out)
            self.moved[how] = self.moved.get(how, 0) + runs[work]["bytes"]
        return runs

    def counted(self):
        """All bytes that node-b has counted, once they stand still."""
        seen, now = -1, 0
        while seen != now:
            seen = now
            time.sleep(0.1)
            now = sum(int(value) for name, _, value in self.lab.metrics("node-b")
                      if name in ("istio_tcp_received_bytes_total", "istio_tcp_sent_bytes_total"))
        return now

    def rates(self, direct, meshed):
        def row(what, pick, unit, work):
            a, b = pick(direct[work]), pick(meshed[work])
            return None, [what, unit(a), unit(b), f"{b / a:.2f}" if a else "-"]
        gbit = lambda n: f"{n / 1e9:.2f} Gbit/s"
        micros = lambda n: f"{n:,.0f} µs"
        rate = lambda n: f"{n:,.0f} /s"
        self.story.table("<>>>", ["", "direct", "tunnelled", "ratio"], [
            row("throughput, one connection", lambda r: r["bits_per_second"], gbit, "bulk"),
            row("round trip of 256 bytes, median", lambda r: r["latency_us"]["p50"], micros, "ping"),
            row("round trip of 256 bytes, 99th percentile", lambda r: r["latency_us"]["p99"], micros, "ping"),
            row("connections, one after the other", lambda r: r["operations_per_second"], rate, "connect"),
        ])
        self.story.prose(f"A first impression, seconds after the agents' start, on {os.cpu_count()} CPUs that programs and both agents "
                         "share; perf/ measures properly.")
