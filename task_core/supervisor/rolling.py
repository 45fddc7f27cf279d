"""One process after another gets a successor, which receives before it stops."""

from collections.abc import Callable
from math import inf

from task_core.supervisor.child import Child, describe

PATIENCE = 120.0
"""Seconds in which a successor must receive."""


class Rolling:
    """Renews processes one by one, so that there is no gap in their work.

    Args:
        children: The processes; a successor takes the place of the one before.
        begin: Starts a process.
        tell: Told of each step.
    """

    def __init__(
        self,
        children: list[Child],
        begin: Callable[[Child], None],
        tell: Callable[[str], object],
    ) -> None:
        self.leaving: list[Child] = []
        """Those that have a successor, and are to end."""
        self._children = children
        self._begin = begin
        self._tell = tell
        self._queue: list[Child] = []
        self._new: Child | None = None
        self._again = False

    @property
    def extra(self) -> list[Child]:
        """Those that are there beside the ones that have a place."""
        return [*self.leaving, *([self._new] if self._new else ())]

    def request(self) -> None:
        """Renew all; once more, when that is under way."""
        if self._queue or self.extra:
            self._again = True
            return
        self._tell("SIGHUP: renewing all, one after another")
        self._queue = [child for child in self._children if not child.ended]
        self._next()

    def cancel(self) -> None:
        """Renew no more, since all are to stop."""
        self._queue, self._again = [], False

    def look(self) -> None:
        """Go on when a successor is ready."""
        if self._new is not None and self._new.ready and self._queue:
            old, new, self._new = self._queue.pop(0), self._new, None
            new.limit(inf)
            self._children[self._children.index(old)] = new
            if not old.runs:  # it has died meanwhile
                self._next()
                return
            self.leaving.append(old)
            self._tell(f"{old.name}: its successor receives; stopping it")
            old.stop()

    def started(self, child: Child) -> None:
        """Give a successor its time, from when the system could start it."""
        if child is self._new:
            child.limit(PATIENCE)

    def ended(self, child: Child) -> None:
        """Go on when one has ended that is no longer, or not yet, in its place."""
        if child in self.leaving:
            self.leaving.remove(child)
            self._next()
            return
        self._new, self._queue, self._again = None, [], False
        assert child.code is not None
        self._tell(
            f"{child.name}: its successor {describe(child.code)} before it could"
            " receive: going on with those that run"
        )

    def _next(self) -> None:
        while self._queue:
            old = self._queue[0]
            if old.runs and old in self._children:
                self._new = old.successor()
                self._begin(self._new)
                return
            self._queue.pop(0)
            if not old.ended:
                old.hasten()
        self._tell("all are renewed")
        if self._again:
            self._again = False
            self.request()
