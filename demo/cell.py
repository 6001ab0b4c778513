"""A world of its own for the demonstration: mounts, network and processes that vanish with it, whatever happens.

The work runs as process 1 of a new process namespace. When it ends, by itself or killed, the kernel ends every process
in there and with them the last holders of the network namespaces; nothing is left to clean up on the machine.
"""
import ctypes
import os
import socket
import sys
from signal import SIGKILL

import interrupts
from interrupts import Interrupted

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG = 1

LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        errno = ctypes.get_errno()
        sys.exit(f"culvert: {what}: {os.strerror(errno)}. The demonstration makes namespaces of its own: it needs root with "
                 "CAP_SYS_ADMIN (in a container: --privileged), or a user who may make user namespaces.")


def _mount(source, target, kind, flags=0):
    return LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, None)


def run(work):
    """Runs work(outer_pid, release) inside and returns its exit code; release(code) lets it live on without us."""
    _check(LIBC.unshare(CLONE_NEWPID), "cannot make a process namespace")
    ours, theirs = socket.socketpair()
    interrupts.keep_waiting()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _inside(work, theirs)
    theirs.close()
    interrupts.set_all(lambda number, _frame: _forward(pid, number))
    ours.sendall(b"%d\n" % pid)
    told = _receive(ours)
    if told and told.startswith(b"released "):
        return int(told.split()[1])
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _forward(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _receive(channel):
    with channel.makefile("rb") as lines:
        return lines.readline()


def _inside(work, channel):
    """Never returns: process 1 of the new namespace."""
    code = 1
    try:
        # Before anything else, so that no moment is left in which our parent's death goes unseen.
        LIBC.prctl(PR_SET_PDEATHSIG, SIGKILL)
        interrupts.raise_interrupted()
        outer_pid = _receive(channel)
        if not outer_pid:
            os._exit(1)
        _check(LIBC.unshare(CLONE_NEWNS | CLONE_NEWNET), "cannot make mount and network namespaces")
        _check(_mount("none", "/", "none", MS_REC | MS_PRIVATE), "cannot make the mounts private")
        _check(_mount("tmpfs", "/run", "tmpfs"), "cannot mount a private /run")
        # Refused where parts of /proc are masked, as in some containers; then the outer one serves well enough.
        _mount("proc", "/proc", "proc")
        code = work(int(outer_pid), lambda result: _release(channel, result))
    except Interrupted as signal_name:
        print(f"\nculvert: {signal_name}: stopped before the end; everything that was started is gone", file=sys.stderr)
        code = 130
    except SystemExit as wanted:
        if isinstance(wanted.code, str):
            print(wanted.code, file=sys.stderr)
        code = wanted.code if isinstance(wanted.code, int) else 1
    except BrokenPipeError:
        code = 141
    except BaseException:  # pylint: disable=broad-except
        import traceback
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            pass
        os._exit(code)


def _release(channel, code):
    """Lets our parent go with this exit code; we stay until a signal ends us."""
    sys.stdout.flush()
    LIBC.prctl(PR_SET_PDEATHSIG, 0)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    channel.sendall(b"released %d\n" % code)
    channel.close()
