"""What a consumer knows of its queue: where to begin to look, and when again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from task_bus_postgres.binary import (
    BEGINNING,
    INT4,
    TIMESTAMPTZ,
    array,
    int4,
    int8,
    items_of,
    to_float,
    to_int,
)
from task_bus_postgres.link import Link, Row
from task_bus_postgres.options import PostgresOptions
from task_core.api import Event, Waker

MARGIN = 20_000
"""Microseconds by which others may commit later than what we took was sent."""
SHARE = 20
"""A look at everything takes at most one in so many seconds of the time."""
OFTENEST = 0.05
"""Seconds between two looks at everything, at least."""
FIRST_NAP, LATER_NAPS = 0.02, 8.0
"""Who was awake when something was sent may not be told of it: it looks soon."""
ASKING_NAP, LONGER_NAPS, LONGEST_NAP = 0.005, 1.5, 0.25
"""The same where nobody is ever told."""
SHORTEST_NAP = 0.01
"""What is due may be somebody's already who has not committed yet."""


class Sleep:
    """Remembers what spares looks.

    What was deleted stays in the index while anybody has a transaction open that is
    older. So each look begins where the last one ended, and only now and then at the
    very beginning: for what was given back, or committed late.

    Args:
        options: See the manifest.
        notified: Whether the server tells us of news.
        registered: Whether others know that we sleep, and wake us.
        lanes: The ranks of the channel, as an array.
    """

    def __init__(self, options: PostgresOptions) -> None:
        self.notified = options.notify
        self._longest = options.poll.total_seconds()
        if not self.notified:
            self._longest = min(self._longest, LONGEST_NAP)
        self.begin()

    def begin(self) -> None:
        """Begin anew, with another connection or channel."""
        self.registered = False
        self._look_at = 0.0
        self._set_lanes(array(INT4, [int4(0)]))
        self._all_at = 0.0
        self._nap = 0.0

    def _set_lanes(self, lanes: bytes) -> None:
        self.lanes = lanes
        self._marks = dict.fromkeys(items_of(lanes), BEGINNING)

    @contextmanager
    def looking(self) -> Iterator[bytes]:
        """Tell where to begin in each lane; notes what a look at everything takes."""
        begun = monotonic()
        is_all = begun >= self._all_at
        if is_all:
            self._marks = dict.fromkeys(self._marks, BEGINNING)
        yield array(TIMESTAMPTZ, list(self._marks.values()))
        if is_all:
            now = monotonic()
            pause = max(OFTENEST, SHARE * (now - begun))
            self._all_at = now + min(pause, self._longest)

    def look_again(self) -> None:
        """Look before the next wait, though nobody has told of anything new."""
        self._look_at = 0.0

    def look_at_all(self) -> None:
        """Look at everything next."""
        self._all_at = self._look_at = 0.0

    def found(self, rows: Sequence[Row]) -> None:
        """Note what was taken: look there again, and do not wait before."""
        self.registered = False  # the server has seen to that
        self._look_at = self._nap = 0.0
        for row in rows:
            self._marks[row[1]] = row[3]
        for rank in {row[1] for row in rows}:
            mark = to_int(self._marks[rank])
            if mark > 0:
                self._marks[rank] = int8(mark - MARGIN)

    def told(self, lanes: bytes, seconds: bytes | None) -> bool:
        """Note that nothing is due, and when something is; not if the ranks changed."""
        if lanes != self.lanes:
            self._set_lanes(lanes)
            return False
        self.registered = self.notified
        first, growth = FIRST_NAP, LATER_NAPS
        if not self.notified:
            first, growth = ASKING_NAP, LONGER_NAPS
        self._nap = min(max(first, self._nap * growth), self._longest)
        due = self._nap if seconds is None else max(to_float(seconds), SHORTEST_NAP)
        self._look_at = monotonic() + min(self._nap, due)
        return True

    def must_look(self, timeout: float) -> bool:
        """Whether it is time for a look, or will not be while the caller waits."""
        return not 0 < self._look_at - monotonic() < timeout

    def until(self, seconds: float, link: Link, waker: Waker) -> None:
        """Wait for so long, for the next look, for news, or for `wake`."""
        self.hear(link)
        seconds = min(seconds, self._look_at - monotonic())
        if seconds > 0 and waker.wait(seconds, link.fileno()) is Event.READY:
            self.hear(link)

    def hear(self, link: Link) -> None:
        """Note what the server has notified us of."""
        news = link.news()
        if b"returned" in news:
            self.look_at_all()
        if news:
            self._look_at = 0.0
