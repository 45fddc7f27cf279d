"""What is settled in one call; and the letter of a delivery that is no use."""

from collections.abc import Collection, Sequence

from task_core.api.message import Delivery, Message, Settled
from task_core.clock import Clock
from task_core.dead import DeadLetter, encode_dead
from task_core.launcher.context import Job
from task_core.launcher.plan import Plan

RETRY, LATER, DEAD, IGNORED = "retry", "later", "dead", "ignored"
"""Fates of deliveries that leave no done task."""
READ = "read"
"""Fate of what a taskmaster has read."""


class Batch:
    """What is to be settled in one call, and what of it belongs to which delivery.

    Args:
        deliveries: To be acknowledged, in the order in which they were finished.
        jobs: For each delivery its job; None when it is no task.
        messages: To be sent, those of the first delivery first.
        ends: For each delivery, where its messages end.
        fates: Position of a delivery -> its result, or one of the words above; those
            that are complete without a word are left out.
    """

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.jobs: list[Job | None] = []
        self.messages: list[Message] = []
        self.ends: list[int] = []
        self.fates: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.deliveries)

    def add(
        self,
        delivery: Delivery,
        messages: Sequence[Message],
        fate: str | None = None,
        job: Job | None = None,
    ) -> None:
        """Add a delivery with all that it led to."""
        if fate is not None:
            self.fates[len(self.deliveries)] = fate
        self.messages += messages
        self.deliveries.append(delivery)
        self.jobs.append(job)
        self.ends.append(len(self.messages))

    def messages_of(self, position: int) -> Sequence[Message]:
        """Return the messages of one delivery."""
        begin = self.ends[position - 1] if position else 0
        return self.messages[begin : self.ends[position]]

    def without(self, lost: Collection[object]) -> "Batch":
        """Return the same without some deliveries and what they produced."""
        gone = {id(delivery) for delivery in lost}
        rest = Batch()
        for position, delivery in enumerate(self.deliveries):
            if id(delivery) not in gone:
                fate, job = self.fates.get(position), self.jobs[position]
                rest.add(delivery, self.messages_of(position), fate, job)
        return rest


def settled_of(batch: Batch, topic: str) -> list[Settled]:
    """Return what became of each delivery of a batch that was settled.

    Args:
        batch: The batch.
        topic: Where the deliveries were read.
    """
    fates = batch.fates
    return [
        Settled(
            job.task if job else None,
            topic,
            fates.get(position, "complete"),
            delivery.attempt,
            job.took if job else 0.0,
            delivery.position,
        )
        for position, (delivery, job) in enumerate(
            zip(batch.deliveries, batch.jobs, strict=True)
        )
    ]


def dead_letter(
    delivery: Delivery, reason: str, plan: Plan, clock: Clock, keep: int | None = None
) -> Message:
    """Return what keeps a delivery that cannot be decoded or run, with the reason.

    Args:
        delivery: With its original bytes.
        reason: Why, in one line.
        plan: Tells where it comes from, and where its letter goes.
        clock: For the time in the letter.
        keep: How many of the bytes to keep, when the bus cannot carry all.
    """
    letter = DeadLetter(
        reason=reason,
        topic=plan.topic,
        channel=plan.channel,
        position=delivery.place,
        attempt=delivery.attempt,
        time=clock.stamp(),
    )
    return Message(plan.dead_topic, encode_dead(letter, delivery.body, keep))
