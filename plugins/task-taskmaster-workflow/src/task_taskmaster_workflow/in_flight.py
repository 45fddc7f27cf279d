"""Which tasks of a plan are done, as the topic of done tasks tells."""

from task_store import Store
from task_store.plans import State

from task_core.api import Bus, DecodeError, Result, Task, UsageError, decode_task

AT_ONCE = 100
"""Done tasks that are noted together."""
WAIT = 1.0
"""Seconds to wait for one."""
GOOD = (Result.COMPLETE.value, Result.WARN.value)
BAD = (Result.ERROR.value, Result.ALERT.value)


class InFlight:
    """The tasks of a plan that are sent and not done.

    It reads on a channel of its own, from before the first send until all are done:
    what is done while nobody sends waits there.

    Args:
        store: Where the plan is.
        bus: Where tasks go, and done ones come.
        plan: Its id.
        topic: Of done tasks.
        most: How many may be in flight.

    Raises:
        UsageError: The bus keeps nothing for a reader of its own.
    """

    def __init__(
        self, store: Store, bus: Bus, plan: str, topic: str, most: int
    ) -> None:
        if not bus.capabilities.channels:
            text = (
                f"the bus {bus.name} has no channels, so nobody can tell what is done"
            )
            raise UsageError(f"{text}: leave out --max-in-flight")
        self._store, self._bus, self._plan = store, bus, plan
        self._place = place_of(plan, topic)
        self._most = most
        self._consumer = bus.subscribe(*self._place)
        items = store.plans.items(plan)
        self._open = {it.key: it.n for it in items if it.state != State.DONE}

    @property
    def count(self) -> int:
        """How many are in flight."""
        return self._store.plans.counts(self._plan).get(State.SENT, 0)

    @property
    def room(self) -> int:
        """How many more may be sent."""
        return self._most - self.count

    def look(self) -> None:
        """Wait a moment for done tasks, and note them.

        One that failed is no longer in flight; when it is run again, and done, it is.
        """
        deliveries = self._consumer.receive(AT_ONCE, WAIT)
        for delivery in deliveries:
            try:
                self._note(decode_task(delivery.body))
            except DecodeError:
                continue  # others put that aside
        self._consumer.ack(deliveries)

    def _note(self, task: Task) -> None:
        number = self._open.get(done_key(task))
        if number is None:
            return
        if task.result in GOOD:
            self._store.plans.mark(self._plan, [number], State.DONE)
            del self._open[done_key(task)]
        elif task.result in BAD:
            self._store.plans.mark(self._plan, [number], State.FAILED, task.msg)

    def end(self) -> None:
        """Give the channel back: all are done, or nobody waits for them."""
        self._consumer.close()
        self._bus.forget(*self._place)


def place_of(plan: str, topic: str) -> tuple[str, str]:
    """Return the topic of done tasks, and the channel on which a plan reads it."""
    return topic, f"backload-{plan}"


def done_key(task: Task) -> str:
    """Return what a task of a plan is recognised by when it is done.

    What follows it in a workflow has its id, and another type.
    """
    return f"{task.type}:{task.id}"
