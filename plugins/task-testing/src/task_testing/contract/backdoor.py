"""What the author of a bus gives to the kit: a way around the bus."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import pytest

NOT_OFFERED = "not offered"
"""How the reason of a skip begins where a rule does not apply: it is no dodge."""


def not_offered(what: str) -> NoReturn:
    """End a rule that does not apply; the summary counts it as "not offered"."""
    pytest.skip(f"{NOT_OFFERED}: {what}")


class Backdoor(ABC):
    """Reads, writes and troubles the broker without the bus under test.

    What a broker cannot do stays as it is here: the rules that need it then count as
    not offered.

    Args:
        broker: What runs, with its version, for the summary and the matrix.
        stdout: Descriptor that the bus is given as its data stream.
        shared: Whether other processes that open the same options meet the same
            messages.
    """

    broker: str = "built in"
    stdout: int = 1
    shared: bool = True

    def topic(self) -> str:
        """Return the name of a topic that nobody has used."""
        return f"kit-{uuid.uuid4().hex[:12]}"

    def wide_topic(self) -> str:
        """Return such a topic that two consumers can read at once; as a rule any."""
        return self.topic()

    @abstractmethod
    def put(self, topic: str, bodies: Sequence[bytes]) -> None:
        """Write messages to a topic, in order, and return when the broker has them."""

    @abstractmethod
    def take(self, topic: str) -> list[bytes]:
        """Return every body that was ever sent to a topic that no bus reads."""

    def end(self, topic: str) -> None:
        """Let a bounded stream come to its end, where it does not by itself."""

    def in_flight(self, topic: str, channel: str) -> int:
        """Return how many messages have left the broker and are not settled."""
        not_offered("the broker does not tell what is in flight")

    def channels(self, topic: str) -> Iterable[str]:
        """Return the names of the channels that the broker keeps for a topic."""
        not_offered("the broker does not tell its channels")

    def bad_topic(self) -> str:
        """Return a name that no topic of this broker can have."""
        not_offered("a topic may have any name")

    def stop(self) -> None:
        """Stop the broker: connections break, and nobody can connect."""
        not_offered("the broker cannot be stopped")

    def start(self) -> None:
        """Start the broker that was stopped, at its old address, and await it."""
        not_offered("the broker cannot be started")

    def unreachable(self) -> tuple[Any, str]:
        """Return options that name nobody, and the address to be seen in errors."""
        not_offered("there is no address")

    def refused(self) -> tuple[Any, str]:
        """Return options with a wrong secret, and the secret that nobody may see."""
        not_offered("there is no login")
