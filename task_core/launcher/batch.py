"""What is to be settled in one call, and what of it belongs to which delivery."""

from collections import Counter
from collections.abc import Collection

from task_core.api.message import Delivery, Message
from task_core.task import Task

RETRY, DEAD, IGNORED = "retry", "dead", "ignored"
"""Fates of deliveries that leave no done task."""


class Batch:
    """Deliveries in the order in which they were finished, with what they produced.

    Args:
        deliveries: To be acknowledged.
        messages: To be sent, those of the first delivery first.
        ends: For each delivery, where its messages end.
        fates: Position of a delivery -> its result, or one of the words above; those
            that are complete without a word are left out.
        tasks: Position of a delivery -> its done task, when somebody wants to know.
    """

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.messages: list[Message] = []
        self.ends: list[int] = []
        self.fates: dict[int, str] = {}
        self.tasks: dict[int, Task] = {}

    def __len__(self) -> int:
        return len(self.deliveries)

    def add(self, delivery: Delivery, fate: str, message: Message | None) -> None:
        """Add a delivery that goes past the slots."""
        if message is not None:
            self.messages.append(message)
        self.fates[len(self.deliveries)] = fate
        self.deliveries.append(delivery)
        self.ends.append(len(self.messages))

    def counts(self) -> Counter[str]:
        """Return how many deliveries have each fate."""
        return Counter(self.fates.values())

    def without(self, lost: Collection[object]) -> "Batch":
        """Return the same without some deliveries and what they produced."""
        gone = {id(delivery) for delivery in lost}
        rest, begin = Batch(), 0
        for position, (delivery, end) in enumerate(
            zip(self.deliveries, self.ends, strict=True)
        ):
            if id(delivery) not in gone:
                rest.messages += self.messages[begin:end]
                if position in self.fates:
                    rest.fates[len(rest)] = self.fates[position]
                if position in self.tasks:
                    rest.tasks[len(rest)] = self.tasks[position]
                rest.deliveries.append(delivery)
                rest.ends.append(len(rest.messages))
            begin = end
        return rest
