"""Shows the mesh at work, step by step, and checks every step: demo/run [--keep]."""
import interrupts
interrupts.end_at_once()

# pylint: disable=wrong-import-position
import os
import shutil
import signal
import sys
import tempfile
import time

import cell
import mesh
import stale
from capture import user_kept
from lab import NODES, PODS, ROOT, Lab, LabError
from steps import Steps
from story import Story

NEEDS = {
    "curl": "curl", "openssl": "openssl", "tcpdump": "tcpdump", "ip": "iproute2", "ss": "iproute2", "nsenter": "util-linux",
    "iptables": "iptables", "iptables-restore": "iptables",
}
SCRIPTS = ("in", "stop")
MAP = """\
 node-a {node-a}              node-b {node-b}
 ├─ client    {client}       ├─ server  {server}
 └─ intruder  {intruder}       └─ legacy  {legacy}  outside the mesh
      └───────────────── br0 ─────────────────┘"""


def main():
    arguments = set(sys.argv[1:])
    if arguments - {"--keep", "--unprivileged"}:
        sys.exit("usage: demo/run [--keep]")
    keep, unprivileged = "--keep" in arguments, "--unprivileged" in arguments
    missing = sorted({package for tool, package in NEEDS.items() if not shutil.which(tool)})
    if missing:
        sys.exit("culvert: the demonstration needs more than is here: sudo apt-get install -y " + " ".join(missing))
    parent = os.path.join(ROOT, "target")
    stale.sweep(parent, "demo-")
    stale.sweep(tempfile.gettempdir(), "culvert-demo-")
    interrupts.raise_interrupted()
    directory = None
    try:
        directory = make_directory(parent)
        code = cell.run(lambda pid, release: demonstrate(directory, keep, unprivileged, pid, release))
    except interrupts.Interrupted as signal_name:
        print(f"\nculvert: {signal_name}: stopped before anything was started", file=sys.stderr)
        code = 130
    if directory is None:
        sys.exit(code)
    if code in (0, 130, 141) and not (keep and code == 0):
        shutil.rmtree(directory, ignore_errors=True)
    elif code and not keep:
        print(f"   what the programs said is in {os.path.relpath(directory)}/*.log", file=sys.stderr)
    sys.exit(code)


def make_directory(parent):
    try:
        os.makedirs(parent, exist_ok=True)
        directory = tempfile.mkdtemp(prefix="demo-", dir=parent)
    except OSError:
        directory = tempfile.mkdtemp(prefix="culvert-demo-")
    stale.own(directory, os.getpid())
    return directory


def demonstrate(directory, keep, unprivileged, pid, release):
    """Process 1 of the cell: the whole demonstration; its exit code."""
    story, lab = Story(), Lab(directory)
    # From here on the lab lives and dies with this process, which may outlive the one that was started.
    stale.own(directory, pid)
    story.title("CULVERT: a mesh without sidecars", "as an ordinary user" if unprivileged else "as root")
    try:
        begin(lab, story)
        Steps(lab, story).all()
        if keep:
            lab.edit_mesh(mesh.text())
            lab.pods_served(node_a=2, node_b=1)
        else:
            end(lab, story)
    except LabError as error:
        story.check(False, "the lab broke down", str(error))
        return 1
    story.summary()
    code = 0 if story.good() else 1
    if keep:
        playground(lab, story, pid, unprivileged)
        release(code)
        linger(lab)
        clear(directory)
    return code


def begin(lab, story):
    lab.build()
    story.line()
    for line in MAP.format(**NODES, **PODS).splitlines():
        story.line("    " + story.paint("dim", line))
    story.line()
    story.command("node-a", "bin/culvert-agent ca init ca")
    code, out, err = lab.run("node-a", f"{ROOT}/bin/culvert-agent ca init ca")
    if code:
        raise LabError(f"culvert-agent ca init: {out}{err}")
    lab.write_mesh(mesh.text())
    began = time.monotonic()
    for node in NODES:
        story.command(node, lab.start_agent(node))
    story.command("server", lab.serve())
    story.transient("waiting for the agents ...")
    for node in NODES:
        lab.until(lambda n=node: lab.ready(n), 60, f"{node} ready")
    lab.pods_served(node_a=2, node_b=1)
    story.transient("")
    story.check(True, f"both agents ready, three pods captured, {time.monotonic() - began:.1f} s after their start")


def end(lab, story):
    codes = lab.close()
    story.line()
    story.check(all(code == 0 for code in codes.values()), "both agents stopped in order when asked to", str(codes))


def playground(lab, story, pid, unprivileged):
    with open("/proc/self/stat", encoding="ascii") as stat:
        started = stat.read().split()[21]
    user = "--user --preserve-credentials " if unprivileged else ""
    alive = f'[ "$(cut -d" " -f22 /proc/{pid}/stat 2>/dev/null)" = {started} ]'
    lab.write("in", f"""#!/bin/sh
# Runs a command, or a shell, in a pod, in a node or on the wire.
[ $# -ge 1 ] || {{
    echo "usage: $0 NAMESPACE [COMMAND...], where NAMESPACE is {", ".join([*PODS, *NODES])} or wire" >&2
    exit 2
}}
{alive} || {{ echo "this lab is gone" >&2; exit 1; }}
name=$1; shift
exec nsenter --target {pid} {user}--mount --pid nsenter --net="/run/netns/$name" --wd={lab.dir} "$@"
""")
    lab.write("stop", f"""#!/bin/sh
# Takes the lab down.
{alive} || {{ echo "this lab is stopped already"; exit 0; }}
kill {pid}
while {alive}; do sleep 0.1; done
""")
    for script in SCRIPTS:
        os.chmod(os.path.join(lab.dir, script), 0o755)
    at = os.path.relpath(lab.dir)
    preload = "".join(f"env {name}=./{os.path.basename(value)} " for name, value in user_kept(lab).items())
    story.line()
    story.line("   " + story.paint("bold", "It is left standing. To play with:"))
    for what, command in (
            ("a request", f"{at}/in client curl -s http://{PODS['server']}:8080/letter.txt | head -n 1"),
            ("a denied one", f"{at}/in intruder curl http://{PODS['server']}:8080/letter.txt"),
            ("on the wire", f"{at}/in wire {preload}tcpdump -i br0 -A -n tcp"),
            ("the logs", f"tail -f {at}/node-a.log {at}/node-b.log"),
            ("the mesh", f"$EDITOR {at}/mesh.yaml"),
            ("what it knows", f"{at}/in node-b {ROOT}/bin/culvert ctl connections"),
            ("the metrics", f"{at}/in node-b curl http://127.0.0.1:15020/metrics"),
            ("take it down", f"{at}/stop")):
        story.line(f"     {what.ljust(14)}{story.paint('cyan', command)}")


def clear(directory):
    """Removes what a lab was made of, but for the scripts that say that it is gone; the next demonstration removes them."""
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        elif name not in SCRIPTS:
            os.unlink(path)


def linger(lab):
    """Until a signal: the lab lives on without a terminal."""
    try:
        while True:
            signal.pause()
    except interrupts.Interrupted:
        lab.close()


if __name__ == "__main__":
    main()
