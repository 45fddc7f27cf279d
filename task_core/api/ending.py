"""Lets a command close what it has open, however it is told to end."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def closed_when_told() -> Iterator[None]:
    """Let SIGTERM and SIGHUP close first what is open, as Ctrl-C does.

    A channel that is only for this process must go with it, and what was begun is to
    say how far it came. Then the process ends by that signal, as it would have done at
    once.

    Example:
        >>> with closed_when_told():
        ...     pass  # whatever ends well with KeyboardInterrupt
    """
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    replaced = _signals()
    for number in replaced:
        signal.signal(number, hear)
    try:
        yield
    except KeyboardInterrupt:
        if not heard:
            raise
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)
    if heard:
        os.kill(os.getpid(), heard[0])


def _signals() -> list[int]:
    """Return those that would end the process without a word."""
    if threading.current_thread() is not threading.main_thread():
        return []  # only the main thread hears them
    signals = (signal.SIGTERM, signal.SIGHUP)
    return [one for one in signals if signal.getsignal(one) is signal.SIG_DFL]
