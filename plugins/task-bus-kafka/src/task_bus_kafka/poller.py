"""The thread that reads: it keeps the buffer filled, and our place in the group.

A member of a group has to poll all the time, or it holds everybody up when the group
changes, and is thrown out in the end. The thread that owns the bus may be silent for
long; so this one polls, and writes progress down by the clock.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from time import monotonic

from task_bus_kafka.buffer import LOW, Buffer
from task_bus_kafka.driver import Reader, RebalanceListener
from task_bus_kafka.errors import Errors
from task_bus_kafka.progress import Progress
from task_core.api import BusError

log = logging.getLogger("task.bus.kafka")
SLICE = 0.1
"""Seconds that one poll may wait, and so how long `close` may have to."""
BRIEF_SLICE = 0.01
"""The same while each step is written down, which with some happens between polls."""
UNHEARD = 0.2
"""Seconds without an answer after which progress may not be written down."""
TICK = 0.2
"""Seconds between two polls while nothing is wanted."""
BEFORE_PAUSE = 5
"""Such polls before reading is paused: some fetch again what they had fetched."""
SILENCE = 2.0
"""Seconds without any connection after which the brokers count as gone."""
JOINING = 3.0
"""Seconds to wait for a place in the group before reading is begun without."""
REST = 1.0
"""Seconds before a reader that failed is made anew."""
SPARE = 2.0
"""Seconds without any partition before that is told."""
CLOSING = 10.0
"""Seconds that `close` waits at most; then the reader ends when its library gives up on
brokers that are silent."""


class Poller:
    """Fills a buffer.

    Args:
        buffer: Where to.
        make: Makes a reader that tells of its partitions.
        errors: Words what goes wrong.
        interval: Seconds between two commits; 0 leaves them to others.
        patience: Seconds in which a broker that can be reached answers.
        where: What is read as whom, for messages.
    """

    def __init__(
        self,
        buffer: Buffer,
        make: Callable[[RebalanceListener], Reader],
        errors: Errors,
        interval: float,
        patience: float,
        where: str,
    ) -> None:
        self.reader: Reader | None = None
        self.problem: BusError | None = None
        self._has_joined = False
        self.asleep = False  # out of the group until somebody wants something
        self._buffer = buffer
        self._make = make
        self._errors = errors
        self._interval = interval
        self._closing = min(3 * patience, CLOSING)
        self._commit_at = 0.0
        self._where = where
        self._idle_ticks = 0
        self._alive_at = 0.0
        self._spare_since: float | None = None
        self._is_spare = False
        self._stopping = False
        self._thread = threading.Thread(
            target=self._run, name="task-bus-kafka", daemon=True
        )

    def start(self) -> None:
        """Connect and join the group, then read until `close`.

        Raises:
            BusError: No broker answers, or it refuses.
        """
        self._open()
        self._thread.start()
        with self._buffer.changed:  # a group of many may take longer; it need not be
            self._buffer.changed.wait_for(
                lambda: self._has_joined or self.problem, JOINING
            )
            problem = self.problem
        if problem:
            self.close()
            raise problem
        self._buffer.hear()

    def close(self) -> None:
        """Write progress down, and leave the group; may be repeated."""
        if not self._interval:
            self.commit_now(SILENCE, leaving=True)
        with self._buffer.changed:
            self._stopping = True
            self._buffer.changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(self._closing)

    def release(self, partitions: Collection[int]) -> Mapping[int, Progress]:
        """Give partitions up; return what is to be written down (any thread)."""
        progress = self._buffer.release(partitions)
        return progress if self._interval else {}

    def commit_now(self, seconds: float, *, leaving: bool = False) -> None:
        """Write down what was handed out before this returns (who has the bus)."""
        reader = self.reader
        if reader is None or not (progress := self._buffer.changes(leaving=leaving)):
            return
        try:
            done = reader.commit_soon(progress)
        except Exception:  # noqa: BLE001  the poller has closed it, and will tell why
            self._buffer.forget_sent()
            return
        if reader.is_urgent:
            with self._buffer.changed:
                self._buffer.changed.notify_all()
        if not done.wait(seconds):
            self._buffer.forget_sent()

    def _open(self) -> None:
        try:
            self.reader = self._make(self)
        except Exception as error:  # noqa: BLE001  whatever it raises
            raise self._errors.of(error) from None
        self._alive_at = monotonic()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001  whatever it raises
                self._fail(error)
        self._leave()

    def _leave(self) -> None:
        """Close; while the group changes it would take no progress, so await that."""
        with contextlib.suppress(Exception):
            ends = monotonic() + JOINING
            while (reader := self.reader) and reader.alive and not reader.joined:
                if monotonic() > ends:
                    break
                reader.pause()
                self._buffer.add(reader.poll(1, SLICE), reader.committed)
        self._shut()

    def join_again(self) -> None:
        """Join the group, if we left it; with the buffer's lock."""
        if self.asleep:
            self.asleep = False
            self._buffer.changed.notify_all()

    def look_for_answers(self) -> None:
        """Hold on while none comes: who waits may be the one who looks for them.

        Some libraries answer no commit until a group has changed.
        """
        reader = self.reader
        if self._interval and reader is not None and reader.is_unheard(UNHEARD):
            self._buffer.hold.renew(SLICE)

    def _turn(self) -> None:
        if self.asleep:
            self._sleep()
            return
        if self.reader is None:
            self._open()
        assert self.reader is not None
        if self._buffer.low:
            self._read(self.reader)
        else:
            self._idle(self.reader)
        self._commit(self.reader)
        self._check(self.reader)
        self._look_for_partitions(self.reader)
        if not self._has_joined and self.reader.joined:
            self._has_joined = True
            self._tell(self.problem)
        with self._buffer.changed:  # nobody begins to wait, or gets any, in between
            self.asleep = self._buffer.is_abandoned
            if self.asleep:
                self._buffer.hold.begin()
        if self.asleep:
            self._shut()

    def _sleep(self) -> None:
        """Stay away: whoever owns this is silent, and others get the messages."""
        with self._buffer.changed:
            self._buffer.changed.wait_for(lambda: self._stopping or not self.asleep)

    def _read(self, reader: Reader) -> None:
        self._idle_ticks = 0
        reader.resume()
        if records := reader.poll(LOW, self._slice):
            self._buffer.add(records, reader.committed)
        else:
            self._buffer.advance(reader.positions(), reader.committed)

    @property
    def _slice(self) -> float:
        return BRIEF_SLICE if self._buffer.is_cautious else SLICE

    def _idle(self, reader: Reader) -> None:
        """Stay in the group, and read nothing."""
        # Some tell the answer to a commit only in `poll`.
        asked = reader.is_unheard(0) and not reader.is_unheard(REST)
        asked |= not reader.joined  # each step of that is another poll
        tick = BRIEF_SLICE if asked else TICK
        with self._buffer.changed:
            self._buffer.changed.wait_for(
                lambda: self._stopping or self._buffer.low or reader.is_urgent, tick
            )
            if self._stopping or self._buffer.low:
                self._idle_ticks = 0
                return
        if not (asked or reader.is_urgent):
            self._idle_ticks += 1
        if self._idle_ticks > BEFORE_PAUSE:
            reader.pause()
        if records := reader.poll(1, 0):
            self._buffer.add(records, reader.committed)

    def _commit(self, reader: Reader) -> None:
        """Write progress down when it is time."""
        now = monotonic()
        if not self._interval:
            return
        if reader.has_failed:  # most often since the group changes
            self._buffer.forget_sent()
            self._buffer.hold.renew(self._interval)
            self._commit_at = min(self._commit_at, now + SLICE)
        if now < self._commit_at:
            return
        self._commit_at = now + self._interval
        if progress := self._buffer.changes():
            reader.commit(progress)

    def _check(self, reader: Reader) -> None:
        """Notice when the brokers are gone, and when they are back."""
        now = monotonic()
        if reader.alive:
            self._alive_at = now
            if self.problem:
                self._tell(None)
        elif now > self._alive_at + SILENCE and not self.problem:
            self._tell(self._errors.unreachable(now - self._alive_at))

    def _look_for_partitions(self, reader: Reader) -> None:
        """Say it when there is no partition for us: else nobody knows why we idle."""
        if not reader.joined or reader.has_partitions:
            self._spare_since, self._is_spare = None, False
            return
        self._spare_since = self._spare_since or monotonic()
        if not self._is_spare and monotonic() > self._spare_since + SPARE:
            self._is_spare = True
            log.warning(
                "bus 'kafka': no partition of %s is left for this reader: others have"
                " them all, and it waits until one leaves; more partitions let more"
                " read at once",
                self._where,
            )

    def _fail(self, error: Exception) -> None:
        """Tell of what went wrong, and begin anew after a rest."""
        self._tell(self._errors.of(error))
        self._shut()
        with self._buffer.changed:
            self._buffer.changed.wait_for(lambda: self._stopping, REST)

    def _shut(self) -> None:
        reader, self.reader = self.reader, None
        if reader is None:
            return
        self._buffer.hold.begin()
        try:
            reader.close()
        except Exception as error:  # noqa: BLE001  whatever it raises
            if not self._stopping:
                self._tell(self._errors.of(error))
        self._buffer.release(self._buffer.partitions)
        self._buffer.hold.end()

    def _tell(self, problem: BusError | None) -> None:
        with self._buffer.changed:
            self.problem = problem
            self._buffer.changed.notify_all()
