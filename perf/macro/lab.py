"""A network of real namespaces: two nodes, two pods and a host outside the mesh on one bridge, which has a namespace of its own.

    node-a 10.88.1.1   node-b 10.88.1.2   client 10.88.2.1   server 10.88.2.2   outside 10.88.3.1      (fd88::1:N, fd88::2:N, ...)
       |                  |                  |                  |                  |
    ===================================== bridge =====================================

Nothing of it touches the machine's own network. All names begin with cvb<pid of the benchmark>-, so that one that was
killed is recognised and swept away by the next.
"""

import glob
import os
import re

from commands import BenchError, run

MEMBERS = {
    "node-a": ("10.88.1.1", "fd88::1:1"),
    "node-b": ("10.88.1.2", "fd88::1:2"),
    "client": ("10.88.2.1", "fd88::2:1"),
    "server": ("10.88.2.2", "fd88::2:2"),
    "outside": ("10.88.3.1", "fd88::3:1"),
}
# Ports that applications get for their own connections: below the agent's, so that many short connections fit.
LOCAL_PORTS = "16000 65000"


class Lab:
    """Owns its namespaces; `remove` takes them away, also after a failure halfway."""

    def __init__(self, name):
        self.prefix = f"cvb{os.getpid()}-{name}-"
        self.made = []

    def netns(self, member):
        return self.prefix + member

    def path(self, member):
        return "/run/netns/" + self.netns(member)

    def address(self, member, ipv6=False):
        return MEMBERS[member][1 if ipv6 else 0]

    def inside(self, member, command):
        """The command that runs another in a member's network; it becomes that command, so the pid is that command's."""
        return ["nsenter", "--net=" + self.path(member), *command]

    def make(self):
        self._add("net")
        self._ip("net", "link", "add", "bridge", "type", "bridge")
        self._ip("net", "link", "set", "bridge", "up")
        for number, member in enumerate(MEMBERS):
            self._join(member, f"v{number}")

    def _join(self, member, port):
        ipv4, ipv6 = MEMBERS[member]
        self._add(member)
        self._ip("net", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", self.netns(member))
        self._ip("net", "link", "set", port, "master", "bridge", "up")
        self._ip(member, "link", "set", "lo", "up")
        self._ip(member, "addr", "add", ipv4 + "/16", "dev", "eth0")
        if os.path.exists("/proc/net/if_inet6"):
            self._ip(member, "addr", "add", ipv6 + "/64", "dev", "eth0", "nodad")
        self._ip(member, "link", "set", "eth0", "up")
        run(self.inside(member, ["sysctl", "-qw", "net.ipv4.ip_local_port_range=" + LOCAL_PORTS]))

    def _add(self, member):
        # Noted first: whoever is told to end in between would leave it.
        self.made.append(member)
        run(["ip", "netns", "add", self.netns(member)])

    def _ip(self, member, *arguments):
        run(["ip", "-n", self.netns(member), *arguments])

    def received_bytes(self, member):
        """What came in on eth0, headers and all."""
        text = run(self.inside(member, ["cat", "/proc/net/dev"])).stdout
        return int(re.search(r"eth0:\s*(\d+)", text).group(1))

    def remove(self):
        troubles = []
        while self.made:
            member = self.made.pop()
            if not os.path.exists(self.path(member)):
                continue
            try:
                run(["ip", "netns", "del", self.netns(member)])
            except BenchError as trouble:
                troubles.append(str(trouble))
        if troubles:
            raise BenchError("; ".join(troubles))


def sweep():
    """Removes what benchmarks have left that were killed."""
    for path in glob.glob("/run/netns/cvb*-*"):
        name = os.path.basename(path)
        pid = re.match(r"cvb(\d+)-", name)
        if pid and not os.path.exists("/proc/" + pid.group(1)):
            run(["ip", "netns", "del", name], allowed=(0, 1))
