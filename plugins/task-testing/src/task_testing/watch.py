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
        self._began = [threading.Event() for _ in loops]
        self._waits = [threading.Event() for _ in loops]

    def loops(self) -> Sequence[Loop]:
        """Return the loops, each with an eye on it."""
        events = zip(self._loops, self._began, self._waits, strict=True)
        return [self._watched(*one) for one in events]

    def let_wait(self, seconds: float) -> None:
        """Return when each loop has come to its first wait, or to its end.

        Args:
            seconds: How long to let those run that wait without the context.
        """
        for began, waits in zip(self._began, self._waits, strict=True):
            began.wait(self._patience)
            waits.wait(seconds)

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

    def _watched(
        self, loop: Loop, began: threading.Event, waits: threading.Event
    ) -> Loop:
        def run(ctx: TaskmasterContext) -> None:
            notes = {"wait": waits.set, "wait_until": waits.set, "send": began.set}
            for name, note in notes.items():
                setattr(ctx, name, self._checked(getattr(ctx, name), note))
            began.set()
            try:
                loop(ctx)
            finally:
                waits.set()

        return run

    def _checked(
        self, call: Callable[..., Any], note: Callable[[], None]
    ) -> Callable[..., Any]:
        def checked(*args: Any, **named: Any) -> Any:
            note()
            if self._told is not None:
                self._asked += 1
                late = monotonic() - self._told > self._patience
                if late or self._asked > MANY:
                    raise TimeoutError(DEAF)
            return call(*args, **named)

        return checked
