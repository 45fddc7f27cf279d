"""How a loop of a taskmaster reads a topic: in batches, each settled as a whole.

One delivery may kill, or make the body raise, and takes all that is held with it. So
what was handed out before comes alone: the harmless ones then leave, one by one, and
only the other one goes on to fail until it is dead. To meet as few of them as possible
at once, a loop receives one delivery first, then two, four, and so on, as long as each
comes for the first time.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from task_core.api.bus import Consumer
from task_core.api.message import Delivery, Message, Settled
from task_core.dead import KEPT_BYTES, DeadLetter, encode_dead
from task_core.errors import DecodeError, PayloadError
from task_core.launcher.batch import DEAD, READ, dead_letter
from task_core.launcher.plan import Hooks, Plan
from task_core.launcher.quarantine import LEAST_UNSURE
from task_core.launcher.taskmasters.bus import LONGEST_WAIT, LoopBus, at_last
from task_core.launcher.taskmasters.work import Work
from task_core.task import Task

T = TypeVar("T")


class Held(msgspec.Struct, gc=False):
    """A delivery that could be read.

    Args:
        delivery: As received.
        item: What its body says: a task, for most.
    """

    delivery: Delivery
    item: Any


class LoopReader(Generic[T]):
    """Reads one topic on one channel for a loop.

    Args:
        line: The bus of the loop.
        consumer: What to read.
        read: Returns what a body says.
        limit: Most items in a batch.
        wait: Seconds to wait for more, from the first item of a batch on.
        hooks: Told of the tasks that are received and settled.
    """

    def __init__(
        self,
        line: LoopBus,
        consumer: Consumer,
        read: Callable[[bytes], T],
        limit: int,
        wait: float,
        hooks: Hooks,
    ) -> None:
        self._line = line
        self._consumer = consumer
        self._read = read
        self._limit = limit
        self._wait = wait
        self._counts = line.bus.capabilities.attempts
        self._width = 1 if self._counts else sys.maxsize
        names = Plan(topic=consumer.topic, channel=consumer.channel)
        self._plan = names.completed("")
        self._on_received = hooks.observer("task_received")
        self._on_settled = hooks.observer("task_settled")

    def batches(self) -> Iterator[list[T]]:
        """Yield batches until stopped; when the body comes back, its batch is settled.

        A body that breaks or raises leaves all to be given back.
        """
        line, consumer = self._line, self._consumer
        while not (line.stopping or consumer.exhausted):
            with line.works.working(consumer, self._bury) as work:
                for batch in _parts(self._gather(work)):
                    work.messages = []
                    work.batch = [one.delivery for one in batch]
                    yield [one.item for one in batch]
                    self._settle(work, batch)

    def _gather(self, work: Work) -> list[Held]:
        """Receive a batch: what comes in time, and nothing after a suspect."""
        line, found, until = self._line, list[Held](), 0.0
        while len(found) < self._limit:
            left = until - line.clock.monotonic() if found else LONGEST_WAIT
            if left <= 0:
                break
            some = line.receive(
                self._consumer, min(self._limit - len(found), self._width), left
            )
            if not (some or found):
                break
            if not found:
                until = line.clock.monotonic() + self._wait
            work.deliveries += some
            found += [held for one in some if (held := self._sort(work, one))]
            if line.stopping or not some or self._learn(some):
                break
        return found

    def _learn(self, some: Sequence[Delivery]) -> bool:
        """Say whether there is a suspect among deliveries; receive fewer then."""
        suspect = self._counts and any(one.attempt > 1 for one in some)
        self._width = 1 if suspect else min(2 * self._width, sys.maxsize)
        return suspect

    def _sort(self, work: Work, delivery: Delivery) -> Held | None:
        """Return a delivery and what it says; bury what has no meaning, or no end."""
        try:
            item = self._read(delivery.body)
        except DecodeError as error:
            self._bury(work, delivery, str(error))
            return None
        except Exception as error:
            # A mistake of who reads, as a body that raises: it ends the loop, but a
            # loop that ends on the same delivery each time would never get on.
            if not self._line.is_often(delivery):
                raise
            self._bury(work, delivery, at_last(delivery, error))
            return None
        if self._has_killed(delivery):
            reason = f"handed out {delivery.attempt} times and never settled"
            self._bury(work, delivery, reason)
            return None
        if self._on_received is not None:
            self._on_received(task=item, delivery=delivery)
        return Held(delivery, item)

    def _has_killed(self, delivery: Delivery) -> bool:
        """Whether it has cost so many taskmasters their life that it must not run.

        What was given back is no sign of that: by a stop, or since the body failed on
        it, and then `LoopBus.blame` buries it.
        """
        most = self._line.plan.max_attempts
        losses = delivery.attempt - 1 - delivery.returned
        return losses - delivery.unsure >= most or losses >= max(LEAST_UNSURE, most)

    def _settle(self, work: Work, batch: list[Held]) -> None:
        """Settle a batch with all that its body has sent."""
        line, deliveries = self._line, [one.delivery for one in batch]
        try:
            settled = line.settle(work, deliveries, work.messages)
        except PayloadError as error:
            if len(batch) == 1:
                self._bury(work, deliveries[0], str(error))
                return
            settled = self._settle_without(work, deliveries, error)
        else:
            line.count(work.messages if settled else ())
        done = {id(one) for one in settled}
        self._tell([one for one in batch if id(one.delivery) in done], READ)

    def _tell(self, found: Sequence[Held], fate: str) -> None:
        """Tell hooks what became of deliveries."""
        if self._line.on_batch is not None and found:
            self._line.on_batch(batch=[self._settled(one, fate) for one in found])
        if self._on_settled is not None and fate == READ:
            for one in found:
                self._on_settled(task=one.item)

    def _settled(self, one: Held, fate: str) -> Settled:
        task = one.item if isinstance(one.item, Task) else None
        place = one.delivery.position
        return Settled(task, self._plan.topic, fate, one.delivery.attempt, 0.0, place)

    def _settle_without(
        self, work: Work, deliveries: list[Delivery], error: PayloadError
    ) -> list[Delivery]:
        """Settle a batch; what the bus refuses of its messages goes to the dead topic.

        Nobody knows which of the tasks it belongs to.
        """
        refused, messages, reason = set(error.refused), work.messages, str(error)
        if not refused:
            raise error  # it does not tell which
        self._line.log.warning("a message goes to the dead topic: %s", reason)
        for keep in (None, *KEPT_BYTES):
            letters = [
                self._letter(one, reason, keep) if at in refused else one
                for at, one in enumerate(messages)
            ]
            try:
                settled = self._line.settle(work, deliveries, letters)
            except PayloadError as again:
                refused.update(again.refused)
                error = again
            else:
                gone = [one for at, one in enumerate(messages) if at not in refused]
                self._line.count(gone if settled else ())
                return settled
        raise error

    def _letter(self, message: Message, reason: str, keep: int | None) -> Message:
        """Return the dead letter of a message that the bus refuses."""
        letter = DeadLetter(
            reason=reason,
            topic=message.topic,
            channel=self._plan.channel,
            time=self._line.clock.stamp(),
        )
        return Message(self._plan.dead_topic, encode_dead(letter, message.body, keep))

    def _bury(self, work: Work, delivery: Delivery, reason: str) -> None:
        """Send a delivery to the dead topic, cut if the bus cannot carry all of it."""
        line = self._line
        line.log.warning(
            "a delivery of topic %s, attempt %d, goes to the dead topic: %s",
            self._plan.topic,
            delivery.attempt,
            reason,
        )
        for keep in (None, *KEPT_BYTES):
            letter = dead_letter(delivery, reason, self._plan, line.clock, keep)
            try:
                settled = line.settle(work, [delivery], [letter])
            except PayloadError:
                if keep == KEPT_BYTES[-1]:
                    raise
            else:
                line.dead += len(settled)
                self._tell([Held(one, None) for one in settled], DEAD)
                break


def _parts(batch: list[Held]) -> Iterator[list[Held]]:
    """Split a batch, in order: each that was handed out before is alone."""
    part: list[Held] = []
    for one in batch:
        if one.delivery.attempt > 1:
            if part:
                yield part
            yield [one]
            part = []
        else:
            part.append(one)
    if part:
        yield part
