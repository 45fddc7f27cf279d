"""Begins every process of a supervisor, and ties the two together.

The process stops when the supervisor is gone, however that ended, and tells it when it
receives, and when it ends by itself. `main` is `task launch`, with that before.
"""

import contextlib
import ctypes
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Sequence

READY, ENDED = b"r", b"e"
"""What a process tells: it receives; it ends, and nobody told it to."""
_PR_SET_PDEATHSIG = 1


class Leash:
    """What ties this process to its supervisor.

    Args:
        channel: Descriptor of a socket whose other end the supervisor holds.
        began: Set when what runs receives.
        signals: Those that came; None until something runs.
    """

    channel = -1
    began: Sequence[threading.Event] = ()
    signals: Sequence[int] | None = None


def announce(began: Sequence[threading.Event], signals: Sequence[int]) -> None:
    """Tell the supervisor when all that runs in this process receives.

    Args:
        began: Set when it does.
        signals: Those that come.
    """
    Leash.began, Leash.signals = began, signals

    def tell() -> None:
        for event in began:
            event.wait()
        _say(READY)

    threading.Thread(target=tell, name="leash", daemon=True).start()


def tell_end() -> None:
    """Tell the supervisor of the end, unless it wanted it or nothing ever ran."""
    if Leash.signals is None:
        return
    if all(event.is_set() for event in Leash.began):
        _say(READY)  # the thread that tells so may be late
    if not Leash.signals:
        _say(ENDED)


def _say(word: bytes) -> None:
    with contextlib.suppress(OSError):  # it may be gone
        os.write(Leash.channel, word)


def _watch(seconds: float, *, told: bool) -> None:
    """Wait for the end of the supervisor; then stop as on a signal, later at once.

    Args:
        seconds: How long a stop takes at most.
        told: Whether the system sends the signal.
    """
    with contextlib.suppress(OSError):
        while os.read(Leash.channel, 1):
            pass
    if not told:
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def _is_told_of_the_end_of(parent: int) -> bool:
    """Let the system tell that the parent is gone, if it can: Python may be frozen."""
    if sys.platform != "linux":
        return False
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    return os.getppid() == parent


def main() -> None:
    """Run the command, watched: `DESCRIPTOR SECONDS PARENT launch …`."""
    channel, seconds, parent = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    Leash.channel = channel
    os.set_inheritable(channel, False)  # what it starts itself must not keep it
    # Scripts have what they start in the background ignore it, for the sake of Ctrl-C.
    # That never comes to this group; the supervisor says with it "once more: at once".
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(
        target=_watch,
        args=(seconds,),
        kwargs={"told": _is_told_of_the_end_of(parent)},
        name="leash",
        daemon=True,
    ).start()
    sys.argv[1:4] = []
    try:
        runpy.run_module("task_core", run_name="__main__", alter_sys=True)
    finally:
        tell_end()
