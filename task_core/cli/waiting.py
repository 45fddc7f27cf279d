"""`task send --wait`: prints what became of the tasks that were sent."""

import logging
import os
import select
import uuid
from collections import Counter as Count
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from math import inf
from time import monotonic, sleep
from typing import BinaryIO

from task_core.api.bus import Bus
from task_core.api.capabilities import require
from task_core.api.message import Delivery
from task_core.cli.render import Counter
from task_core.cli.stdout import tell
from task_core.cli.tail import shower
from task_core.clock import SystemClock
from task_core.errors import (
    BusConnectionError,
    BusError,
    DecodeError,
    LeaseLostError,
    UsageError,
)
from task_core.launcher.outages import Outages
from task_core.shown import shown
from task_core.task import Task
from task_core.values import format_duration, parse_wait
from task_core.wire import decode_task, encode_task

AT_ONCE = 100
"""Done tasks that are taken in one call of the bus, at most."""
TURN = 60.0
"""Seconds that one receive waits."""
LOOK = 0.1
"""Seconds after which it looks again whether more is to be sent."""
LONGEST_PAUSE = 1.0
"""Seconds before a lost connection is tried again, at most."""
NAMED = 3
"""Tasks that are named when the time is over, at most."""
FAILED = ("error", "alert")

log = logging.getLogger("task")


def patience(text: str) -> float:
    """Return the seconds that `--wait` gives; without a duration there is no end.

    Raises:
        UsageError: It is no duration.
    """
    try:
        return parse_wait(text).total_seconds() if text else inf
    except ValueError as error:
        hint = "put --wait last, or give it a duration like 30s"
        raise UsageError(f"--wait: {error} ({hint})") from None


class Waiting:
    """Reads the done topic on a channel that goes with it, made before all is sent.

    Args:
        bus: What carries the tasks.
        topic: Where done tasks go.
        stdout: File descriptor that they are printed to.
        seconds: How long to wait after the last one is sent; so long the broker may
            be away before that.
        count: Show how far it is.

    Raises:
        UnsupportedCapabilityError: The bus has no channels.
    """

    def __init__(
        self, bus: Bus, topic: str, stdout: int, seconds: float, *, count: bool
    ) -> None:
        require(bus.capabilities, "channels", bus.name, "--wait")
        self._bus = bus
        self._stdout = stdout
        self._seconds = seconds
        self._show = shower(raw=False, terminal=os.isatty(stdout))
        self._counter = Counter("done") if count else None
        self._sent = self._done = self._failed = 0
        self._left: Count[str] = Count()
        self._is_read = True
        self._end = inf
        self._outages = Outages(self._sit_out, SystemClock(), log)
        self._consumer = bus.subscribe(
            topic, f"send-{uuid.uuid4().hex[:12]}", prefetch=AT_ONCE, temporary=True
        )

    def expect(self, task: Task, body: bytes) -> bytes:
        """Note a task that is about to be sent; return its body, with an id in it."""
        if not task.id:
            task.id = str(uuid.uuid4())
            body = encode_task(task)
        self._left[task.id] += 1
        self._sent += 1
        return body

    def forget(self, body: bytes) -> None:
        """Wait no more for a task: the bus has refused it."""
        self._left -= Count([decode_task(body).id])
        self._sent -= 1

    def chunks(self, stream: BinaryIO, size: int) -> Iterator[bytes]:
        """Yield what comes from a stream; print what is done meanwhile.

        Raises:
            BusError: It failed, or was away for too long; it is told what was sent.
        """
        while True:
            while not _readable(stream):
                self._collect(LOOK, monotonic() + self._seconds)
            if not (chunk := stream.read1(size)):  # type: ignore[attr-defined]
                return
            yield chunk
            self._collect(0.0, monotonic() + self._seconds)

    def finish(self) -> int:
        """Wait for the rest, while somebody reads it; return the exit code.

        Raises:
            BusError: As for `chunks`.
        """
        end = monotonic() + self._seconds
        while self._left and self._is_read and monotonic() < end:
            self._collect(TURN, end)
        if self._left and self._is_read:
            tell(f"task: {self._late()}")
        elif self._counter is not None:
            tell(f"task: {self._done:,} done, {self._failed:,} failed")
        return 1 if (self._left and self._is_read) or self._failed else 0

    def clear(self) -> None:
        """Take away how far it is."""
        if self._counter is not None:
            self._counter.clear()

    def _late(self) -> str:
        waited = format_duration(timedelta(seconds=self._seconds))
        return (
            f"{self._left.total():,} of {self._sent:,} not done {waited} after the last"
            f" was sent: {self._ids()}"
        )

    def _unknown(self) -> str:
        left, sent = self._left.total(), self._sent
        return f"{left:,} of {sent:,} sent, not known to be done: {self._ids()}"

    def _ids(self) -> str:
        ids = ", ".join(islice(self._left, NAMED))
        more = ", …" if len(self._left) > NAMED else ""
        return f"id {shown(ids)}{more}"

    def _collect(self, seconds: float, end: float) -> None:
        """Print the tasks of ours that are done, waiting for the first.

        Args:
            seconds: How long to wait for it.
            end: Until when to wait, also for a broker that is away.
        """
        self._end = end
        try:
            deliveries = self._outages.insist(
                lambda: self._receive(seconds), lambda: monotonic() >= end
            )
        except BusError:
            if self._left:
                tell(f"task: {self._unknown()}")
            raise
        for delivery in deliveries:
            self._take(delivery.body)
        if deliveries and self._bus.capabilities.ack:
            # Whoever reads us may have paused for long: what comes again is known.
            with suppress(BusConnectionError, LeaseLostError):
                self._consumer.ack(deliveries)
        if self._counter is not None:
            self._counter.show(self._done, self._sent)

    def _receive(self, seconds: float) -> Sequence[Delivery]:
        try:
            left = max(0.0, self._end - monotonic())
            return self._consumer.receive(AT_ONCE, min(seconds, left))
        except BusError:
            self.clear()  # a line about it comes
            raise

    def _sit_out(self, seconds: float) -> None:
        left = max(0.0, self._end - monotonic())
        sleep(min(seconds, LONGEST_PAUSE, left))

    def _take(self, body: bytes) -> None:
        try:
            task = decode_task(body)
        except DecodeError:
            return  # somebody else's
        if not self._left[task.id]:
            return
        self._left -= Count([task.id])
        self._done += 1
        self._failed += task.result in FAILED
        self.clear()
        self._print(self._show(body))

    def _print(self, line: bytes | str) -> None:
        left = (line.encode() if isinstance(line, str) else line) + b"\n"
        try:
            while left and self._is_read:
                left = left[os.write(self._stdout, left) :]
        except BrokenPipeError:
            self._is_read = False  # who read has enough; the rest is sent all the same


def _readable(stream: BinaryIO) -> bool:
    """Whether a stream has something to read, or has ended."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):  # it is no file: it never waits
        return True
