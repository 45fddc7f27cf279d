"""What a cluster cannot say yet, and how its answer is awaited."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

from kafka import errors as kafka_errors  # type: ignore[import-untyped]

T = TypeVar("T")


class BrokersFencedError(kafka_errors.RetriableError):  # type: ignore[misc]
    """No broker may keep a topic: the controller has not heard of any for a while."""


NOT_YET = (
    BrokersFencedError,  # one that stood still, or has just started, will be heard soon
    kafka_errors.CoordinatorNotAvailableError,  # who keeps a group is being found,
    kafka_errors.CoordinatorLoadInProgressError,  # reads what it has to know
    kafka_errors.NotCoordinatorError,  # or does not know of it yet, or any more
    kafka_errors.NotControllerError,  # another broker rules since a moment ago
    kafka_errors.NonEmptyGroupError,  # its last member is about to leave
    kafka_errors.GroupSubscribedToTopicError,
    kafka_errors.UnknownTopicOrPartitionError,  # not every broker knows a new topic
    kafka_errors.UnknownBrokerIdError,  # it leads none yet, or we do not know who does
    kafka_errors.LeaderNotAvailableError,
    kafka_errors.NotLeaderForPartitionError,
    kafka_errors.ReplicaNotAvailableError,
    kafka_errors.OffsetNotAvailableError,  # a new leader does not know the end yet
    kafka_errors.FencedLeaderEpochError,
    kafka_errors.UnknownLeaderEpochError,
    kafka_errors.KafkaStorageError,
)
SOON = 10.0
"""Seconds in which a new cluster has made the topic where groups keep their progress;
members that leave, and partitions that get a leader, need less."""
PAUSE = 0.1


def patiently(
    question: Callable[[], T],
    seconds: float,
    forget: Callable[[], object] = lambda: None,
) -> T:
    """Ask again while the cluster needs a moment.

    Args:
        question: Asks, and raises what the cluster says.
        seconds: How long it may need.
        forget: Makes whoever asks forget whom to ask: the wrong one says no for ever.
    """
    deadline = monotonic() + seconds
    while True:
        try:
            return question()
        except NOT_YET:
            if monotonic() > deadline:
                raise
        forget()
        sleep(PAUSE)  # nothing tells when it is ready
