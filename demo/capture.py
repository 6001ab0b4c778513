"""What went over the wire: tcpdump writes it down, and this reads it back, stream by stream."""
import os
import re
import shutil
import signal
import struct
import subprocess
import time

from lab import ROOT, LabError

HBONE = 15008
HANDSHAKE, CHANGE_CIPHER_SPEC, APPLICATION_DATA = 22, 20, 23
SUITES = {0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256"}


class Capture:
    """A running tcpdump on the bridge."""

    COMMAND = "tcpdump -i br0 --immediate-mode -w - tcp"

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        self.path = os.path.join(lab.dir, name + ".pcap")

    def __enter__(self):
        environment = {**self.lab.environment, **user_kept(self.lab)}
        with open(self.path, "wb") as out, open(self.path + ".log", "wb") as log:
            self.process = subprocess.Popen(
                self.lab.within("wire", self.COMMAND.split()), stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env=environment, start_new_session=True)
        self.lab.until(self._listening, 10, "tcpdump")
        return self

    def _said(self):
        with open(self.path + ".log", encoding="utf-8", errors="replace") as log:
            return log.read()

    def _listening(self):
        if self.process.poll() is not None:
            raise LabError(f"tcpdump: {self._said().strip()}")
        return "listening on" in self._said()

    def __exit__(self, *_):
        # The last packets are on their way through the kernel; what is missing after that would fail the checks.
        time.sleep(0.2)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        dropped = re.search(r"(\d+) packets dropped by kernel", self._said())
        self.dropped = int(dropped.group(1)) if dropped else None
        self.packets = list(_packets(self.path))
        self.streams = _streams(self.packets)

    def find(self, marker):
        """In how many streams the bytes occur, wherever packets were cut; and in how many single packets."""
        return (sum(marker in data for data in self.streams.values()),
                sum(marker in payload for _, _, _, payload in self.packets))

    def flows(self, host, peer):
        """The streams between two addresses."""
        return {flow: data for flow, data in self.streams.items() if {flow[0], flow[2]} == {host, peer}}


def user_kept(lab):
    """Environment for tcpdump: nothing for root; else what keeps tcpdump from becoming a user that its namespace does not have."""
    with open("/proc/self/setgroups", encoding="ascii") as setgroups:
        if setgroups.read().strip() != "deny":
            return {}
    library = os.path.join(lab.dir, "unprivileged_tcpdump.so")
    if not os.path.exists(library):
        compiler = shutil.which("cc") or "gcc"
        source = os.path.join(ROOT, "demo", "unprivileged_tcpdump.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": library}


def _packets(path):
    """Every TCP segment of a capture file: (source, destination, (sequence number, flags), payload)."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 24 or data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"):
        raise LabError(f"{path} is no capture file")
    order = "<" if data[0] == 0xD4 else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "8xI", data, at)[0]
        frame = data[at + 16: at + 16 + length]
        at += 16 + length
        packet = _segment(frame)
        if packet:
            yield packet


def _segment(frame):
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    tcp = 14 + (frame[14] & 15) * 4
    end = 14 + struct.unpack_from("!H", frame, 16)[0]
    sport, dport, sequence = struct.unpack_from("!HHI", frame, tcp)
    payload = frame[tcp + (frame[tcp + 12] >> 4) * 4: end]
    source, destination = (".".join(map(str, frame[i:i + 4])) for i in (26, 30))
    return (source, sport), (destination, dport), (sequence, frame[tcp + 13]), payload


def _streams(packets):
    """The bytes of each direction of each connection, in order and each once; a gap is an error."""
    pieces, begins = {}, {}
    for source, destination, (sequence, flags), payload in packets:
        flow = source + destination
        if flags & 2:
            begins[flow] = (sequence + 1) & 0xFFFFFFFF
        pieces.setdefault(flow, []).append((sequence, payload))
    return {flow: _join(flow, begins.get(flow), parts) for flow, parts in pieces.items() if any(p for _, p in parts)}


def _join(flow, begin, parts):
    if begin is None:
        raise LabError(f"the capture has no beginning of {flow}")
    joined = bytearray()
    for offset, payload in sorted(((sequence - begin) & 0xFFFFFFFF, payload) for sequence, payload in parts if payload):
        if offset >= 1 << 31:
            continue  # Before the beginning: a keepalive probe.
        if offset > len(joined):
            raise LabError(f"the capture has a gap in {flow}")
        joined += payload[len(joined) - offset:]
    return bytes(joined)


def records(stream):
    """The TLS records of one direction: (type, content); an error if it is anything else."""
    at, found = 0, []
    while at < len(stream):
        if at + 5 > len(stream):
            raise LabError("a TLS record is cut short")
        kind, version, length = struct.unpack_from("!BHH", stream, at)
        if kind not in (20, 21, 22, 23) or version >> 8 != 3 or at + 5 + length > len(stream):
            raise LabError(f"no TLS record at byte {at}")
        found.append((kind, stream[at + 5: at + 5 + length]))
        at += 5 + length
    return found


def server_hello(record):
    """(version, cipher suite) that a ServerHello chose, version from supported_versions as TLS 1.3 has it."""
    if record[0] != 2:
        raise LabError("the first handshake message is no ServerHello")
    at = 4 + 2 + 32
    at += 1 + record[at]
    suite, extensions = struct.unpack_from("!HxH", record, at)
    at, end = at + 5, at + 5 + extensions
    version = struct.unpack_from("!H", record, 4)[0]
    while at < end:
        kind, length = struct.unpack_from("!HH", record, at)
        if kind == 43:
            version = struct.unpack_from("!H", record, at + 4)[0]
        at += 4 + length
    return version, SUITES.get(suite, hex(suite))
