"""Folders of demonstrations that were killed: each names its process, and goes when that is gone. They hold a CA's key."""
import os
import shutil
import time

OWNER = "owner"
UNOWNED_SECONDS_MAX = 60


def started(pid):
    """When a process began, in the kernel's ticks: with its number it is a name that is never used twice; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


def own(directory, pid):
    """Notes that the folder is ours; pid is our number outside the cell, whose /proc does not have it."""
    path = os.path.join(directory, OWNER)
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"{pid} {started('self')}\n")
    os.replace(path + ".new", path)


def is_stale(directory):
    try:
        with open(os.path.join(directory, OWNER), encoding="ascii") as file:
            pid, began = file.read().split()
        return started(int(pid)) != began
    except (OSError, ValueError):
        # One that is just being made has no owner yet.
        return time.time() - os.lstat(directory).st_mtime > UNOWNED_SECONDS_MAX


def sweep(parent, prefix):
    """Removes our folders whose process is gone."""
    try:
        names = [name for name in os.listdir(parent) if name.startswith(prefix)]
    except OSError:
        return
    for name in names:
        path = os.path.join(parent, name)
        try:
            ours = os.lstat(path).st_uid == os.geteuid() and os.path.isdir(path) and not os.path.islink(path)
            if ours and is_stale(path):
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue
