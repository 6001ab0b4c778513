"""Waits in a network namespace for the first TLS ServerHello from a port, and says what was agreed on; from the wire, so from no peer.

  hello.py PORT SECONDS      prints {"version": ..., "suite": ..., "group": ...}

Source: RFC 8446, section 4.1.3; packet(7).
"""

import json
import socket
import struct
import sys
import time

ETH_P_ALL = 3
ETHERNET, IPV4, IPV6, TCP = 14, 0x0800, 0x86DD, 6
HANDSHAKE, SERVER_HELLO = 22, 2
SUPPORTED_VERSIONS, KEY_SHARE = 43, 51
# A ServerHello with this random asks for another group; the next one counts.
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
VERSIONS = {0x0304: "TLS 1.3", 0x0303: "TLS 1.2"}
SUITES = {0x1301: "AES_128_GCM_SHA256", 0x1302: "AES_256_GCM_SHA384", 0x1303: "CHACHA20_POLY1305_SHA256"}
GROUPS = {0x001D: "X25519", 0x0017: "P-256", 0x0018: "P-384", 0x11EC: "X25519MLKEM768"}


def payload(frame, port):
    """The TCP payload of a packet from this port, or nothing."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == IPV4 and frame[ETHERNET + 9] == TCP:
        at = ETHERNET + (frame[ETHERNET] & 15) * 4
    elif kind == IPV6 and frame[ETHERNET + 6] == TCP:
        at = ETHERNET + 40
    else:
        return b""
    return frame[at + (frame[at + 12] >> 4) * 4:] if struct.unpack_from("!H", frame, at)[0] == port else b""


def agreed(data):
    """What a ServerHello at the beginning of these bytes agrees on, or nothing."""
    if len(data) < 80 or data[0] != HANDSHAKE or data[5] != SERVER_HELLO or data[11:43] == RETRY:
        return None
    at = 44 + data[43]
    suite, end = struct.unpack_from("!H", data, at)[0], at + 5 + struct.unpack_from("!H", data, at + 3)[0]
    version, group, at = struct.unpack_from("!H", data, 9)[0], 0, at + 5
    while at + 4 <= min(end, len(data) - 2):
        extension, size = struct.unpack_from("!HH", data, at)
        if extension == SUPPORTED_VERSIONS:
            version = struct.unpack_from("!H", data, at + 4)[0]
        elif extension == KEY_SHARE:
            group = struct.unpack_from("!H", data, at + 4)[0]
        at += 4 + size
    return {"version": VERSIONS.get(version, hex(version)), "suite": SUITES.get(suite, hex(suite)), "group": GROUPS.get(group, hex(group))}


def main():
    port, until = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
        wire.settimeout(0.2)
        print("watching", flush=True)
        while time.monotonic() < until:
            try:
                found = agreed(payload(wire.recv(65535), port))
            except TimeoutError:
                continue
            if found:
                print(json.dumps(found), flush=True)
                return
    sys.exit(f"no ServerHello from port {port}")


if __name__ == "__main__":
    main()
