"""While tasks are tiny, the only slot does what the bus thread does, and nobody waits.

A task that goes from thread to thread waits for each of them to wake, which takes
longer than a tiny task itself. So the bus thread lends the bus: the thread of the slot
settles what it has done and receives the next, and the bus thread looks on. It takes
the bus back as soon as the slot is not back in time, nothing comes, or anything is out
of the ordinary: leases are renewed and stops heeded whatever the worker does.
"""

import sys
from threading import Event, Lock
from threading import enumerate as all_threads

from task_core.api.bus import Consumer
from task_core.launcher.handover import ThreadSlots
from task_core.launcher.loop import Loop
from task_core.launcher.parts import Parts
from task_core.launcher.plan import AckMode, Plan

TINY = 0.001
"""Seconds that tasks take at most for it to be worth it."""
LOOK_EVERY = 0.02
"""Seconds in which the slot is to have been at the bus again."""
BRIEFLY = 0.05
"""Seconds that the slot waits at most until something comes."""
OBSERVED = ("task_received", "task_sent", "task_settled", "batch_settled")
DECIDED = ("task_before_send", "task_retry_delay")
"""Hooks that the bus thread tells and asks: those who have one count on one thread."""


def may_lend(plan: Plan, parts: Parts) -> bool:
    """Whether it makes sense: there is one slot, and it waits for the bus.

    Who holds more of a broker's messages than one settles some while others run. So
    does who reads a stream and sends to a broker: of a pair it is not known.

    Args:
        plan: Tells how many are held.
        parts: Tell of slots, bus and hooks.
    """
    hooks, bus = parts.hooks, parts.bus
    is_stream = not (bus.capabilities.lease or plan.ack is AckMode.EARLY)
    return (
        isinstance(parts.slots, ThreadSlots)
        and plan.concurrency == 1
        and (plan.most_held == 1 or (is_stream and not hasattr(bus, "names")))
        and not any(map(hooks.observer, OBSERVED))
        and not any(map(hooks.decider, DECIDED))
    )


class LendingLoop(Loop):
    """A loop that lends the bus to its slot. Never do both use it at a time."""

    def __init__(self, plan: Plan, parts: Parts, consumer: Consumer) -> None:
        super().__init__(plan, parts, consumer)
        assert isinstance(parts.slots, ThreadSlots)
        self._threads = parts.slots
        self._using = Lock()
        """Held by the slot while it uses the bus."""
        self._returned = Event()
        """Set when it has given the bus back by itself."""
        self._steps = 0
        self._seen = 0
        self._known = {*all_threads()}
        """Threads that are not the worker's, but for that of the slot."""
        self._error: BaseException | None = None

    def _turn(self) -> bool:
        used = super()._turn()
        if self._in_flight.jobs and self._is_worth_it():
            self._lend()
            used |= self._collect()
            self._run_suspect()
        return used

    def _is_worth_it(self) -> bool:
        """Whether tasks are tiny, and nothing calls for the bus thread."""
        return self._window.mean < TINY and not (
            self._quarantine
            or self.outages.away
            or self._stop.requested
            or self._worker_has_threads()
        )

    def _worker_has_threads(self) -> bool:
        """Whether something might raise an exception in the thread of the slot.

        Libraries for timeouts do; one that is late is not to hit who uses the bus.
        """
        others = [one for one in all_threads() if one not in self._known]
        return len(others) > 1  # the slot is one

    def _lend(self) -> None:
        """Let the slot go on by itself while it gets on (bus thread).

        Raises:
            BaseException: What it met when it used the bus.
        """
        # Who calls the bus thread meanwhile wakes the slot, which may be at the bus;
        # no slot does so because it has finished something.
        nobody_called = self._handover.fall_asleep(sys.maxsize, self._consumer.wake)
        self._handover.stay_awake()
        if nobody_called:
            self._look_on()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _look_on(self) -> None:
        self._returned.clear()
        self._steps += 1
        self._threads.lend(self._step)
        try:
            while self._gets_on():
                self._returned.wait(LOOK_EVERY)
        finally:
            self._threads.between = None  # it begins nothing more with the bus
            with self._using:  # and has ended what it had begun
                pass

    def _gets_on(self) -> bool:
        """Whether the slot uses the bus, or has since the last look."""
        before, self._seen = self._seen, self._steps
        if self._returned.is_set() or self._stop.requested:
            return False
        return self._using.locked() or self._seen != before

    def _step(self) -> bool:
        """Do all that is between two tasks; say whether one waits (slot)."""
        with self._using:
            if self._threads.between is None:
                return False
            self._steps += 1
            try:
                if self._go_on():
                    return True
            except BaseException as error:  # noqa: BLE001  the bus thread raises it
                self._error = error
            self._threads.between = None
            self._returned.set()
            return False

    def _go_on(self) -> bool:
        """Settle what is done and receive more; say whether there is any (slot)."""
        self._collect()
        if self.watchdog.wanted:
            self.watchdog.look()
        if not self._is_worth_it():
            return False
        self.end = self._look_for_the_end()
        if self.end or self._stalled:
            return False
        found = self._consumer.receive(self._room(), BRIEFLY)
        self._stats.received += len(found)
        self._accept(found)
        return bool(self._handover.waiting)
