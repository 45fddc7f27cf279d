"""Signs of life while a call of a store waits for an answer."""

import contextlib
import threading
from collections.abc import Callable, Iterator


class _Local(threading.local):
    beat: Callable[[], object] | None = None


_LOCAL = _Local()


@contextlib.contextmanager
def with_beat(beat: Callable[[], object]) -> Iterator[None]:
    """`with` it: this thread calls `beat` now and then while a server is silent."""
    outer, _LOCAL.beat = _LOCAL.beat, beat
    try:
        yield
    finally:
        _LOCAL.beat = outer


def beat() -> None:
    """Give a sign of life, if anybody wants it."""
    if _LOCAL.beat is not None:
        _LOCAL.beat()
