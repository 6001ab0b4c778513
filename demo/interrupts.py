"""What a signal does: from the first moment on it ends the demonstration with one sentence, never with a traceback."""
import os
import signal

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked for the end."""


def _end(number, _frame):
    # Nothing has been made yet, and an exception in the middle of an import would be shown as a fault.
    os.write(2, f"\nculvert: {signal.Signals(number).name}: stopped before anything was started\n".encode())
    os._exit(130)


def _raise(number, _frame):
    for one in ENDING:
        signal.signal(one, signal.SIG_IGN)
    raise Interrupted(signal.Signals(number).name)


def end_at_once():
    """While nothing has been made. demo/run keeps signals waiting until here."""
    set_all(_end)


def raise_interrupted():
    """While there is something to clean up."""
    set_all(_raise)


def set_all(handler):
    for number in ENDING:
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def keep_waiting():
    """Until handlers are set again: for a fork, after which parent and child want different ones."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
