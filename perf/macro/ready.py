"""Waits for the first 200 of an agent's readiness port, asking every few milliseconds, and prints when that was.

  ready.py SECONDS      prints the monotonic clock in seconds
"""

import socket
import sys
import time

ADDRESS = ("127.0.0.1", 15021)
REQUEST = b"GET /healthz/ready HTTP/1.1\r\nHost: ready\r\nConnection: close\r\n\r\n"
PAUSE_SECONDS = 0.004


def is_ready():
    try:
        with socket.create_connection(ADDRESS, 1) as connection:
            connection.sendall(REQUEST)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main():
    until = time.monotonic() + float(sys.argv[1])
    print("asking", flush=True)
    while time.monotonic() < until:
        if is_ready():
            print(f"ready {time.monotonic():.6f}", flush=True)
            return
        time.sleep(PAUSE_SECONDS)
    sys.exit("never ready")


if __name__ == "__main__":
    main()
