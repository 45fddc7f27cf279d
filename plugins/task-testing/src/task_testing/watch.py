"""Watches a taskmaster in a test: one that does not end is an error, not a hang."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from task_core.api import Taskmaster, TaskmasterContext

Loop = Callable[[TaskmasterContext], None]
DEAF = (
    "the taskmaster did not return after it was told to stop: end its loops when"
    " ctx.wait (or wait_until) returns True, or when ctx.stopping is true"
)
ENDLESS = (
    "the taskmaster was still running after {:g} s and was stopped: it came neither to"
    " an end of its own nor to 'until'; time passes only in ctx.wait and ctx.wait_until"
    " (one that is only slow: give it more patience=)"
)
MANY = 1000
"""Uses of a context after a stop: who has not ended then does not look."""


class Watch(Taskmaster):
    """A taskmaster whose loops raise when they go on after a stop.

    Args:
        loops: What it does.
        patience: Real seconds that it may run until it is stopped, and that it has
            then.
    """

    def __init__(self, loops: Sequence[Loop], patience: float) -> None:
        self._loops = loops
        self._patience = patience
        self._told: float | None = None
        self._asked = 0

    def loops(self) -> Sequence[Loop]:
        """Return the loops, each with an eye on it."""
        return [self._watched(loop) for loop in self._loops]

    def tell(self) -> None:
        """Note that the taskmaster is told to stop now (any thread)."""
        if self._told is None:
            self._told = monotonic()

    @contextlib.contextmanager
    def limit(self, stop: Callable[[], object]) -> Iterator[None]:
        """Stop what runs meanwhile when it takes too long.

        Raises:
            TimeoutError: It did.
        """
        late = threading.Event()

        def end() -> None:
            late.set()
            stop()

        timer = threading.Timer(self._patience, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError(ENDLESS.format(self._patience))

    def _watched(self, loop: Loop) -> Loop:
        def run(ctx: TaskmasterContext) -> None:
            for name in ("wait", "wait_until", "send"):
                setattr(ctx, name, self._checked(getattr(ctx, name)))
            loop(ctx)

        return run

    def _checked(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*args: Any, **named: Any) -> Any:
            if self._told is not None:
                self._asked += 1
                late = monotonic() - self._told > self._patience
                if late or self._asked > MANY:
                    raise TimeoutError(DEAF)
            return call(*args, **named)

        return checked
