"""What a bus can do. Whatever it does not declare is refused before any I/O."""

import attrs

from task_core.errors import UnsupportedCapabilityError


@attrs.frozen(kw_only=True, eq=False)
class Capabilities:
    """A bus's promises; everything is "no" until declared.

    The conformance kit tests both answers, so a declaration cannot lie.

    Args:
        ack: A delivery stays the broker's until it is acknowledged.
        nack: A delivery can be given back and comes again.
        nack_delay: It can be given back to come again not before some seconds.
        lease: A delivery that is neither settled nor extended comes again.
        ordered: One consumer receives messages in the order in which they were sent.
        channels: Every channel on a topic gets each message once.
        retains: What is sent before the first channel is kept for it.
        delay: A message can be sent to arrive not before some seconds.
        priority: Messages with a higher priority arrive first.
        batch_send: Many messages cost about one round trip.
        durable: What was confirmed survives a restart of the broker.
        depth: The number of waiting messages can be asked for.
        topics: The names of the topics can be asked for.
        peek: What is on a topic can be looked at without taking it.
        bounded: The stream can end; `Consumer.exhausted` tells.
        atomic_settle: Acknowledging and sending happen in one transaction.
        outbox: Messages can be sent within a transaction of the caller's own database.
        attempts: Deliveries count how often their message was handed out.
        headers: Messages carry headers.
        max_bytes: Longest body that can be sent, or None for no limit.
        max_delay: Longest delay of a message in seconds, or None for no limit.
    """

    ack: bool = False
    nack: bool = False
    nack_delay: bool = False
    lease: bool = False
    ordered: bool = False
    channels: bool = False
    retains: bool = False
    delay: bool = False
    priority: bool = False
    batch_send: bool = False
    durable: bool = False
    depth: bool = False
    topics: bool = False
    peek: bool = False
    bounded: bool = False
    atomic_settle: bool = False
    outbox: bool = False
    attempts: bool = False
    headers: bool = False
    max_bytes: int | None = None
    max_delay: float | None = None


def require(
    capabilities: Capabilities, name: str, bus: str, what: str = "this"
) -> None:
    """Refuse what a bus cannot do.

    Args:
        capabilities: What the bus declares.
        name: A field of `Capabilities`.
        bus: The name of the bus, for the message.
        what: What it cannot do without, for the message.

    Raises:
        UnsupportedCapabilityError: The bus does not declare it.

    Example:
        >>> require(Capabilities(delay=True), "delay", "sqlite")
    """
    if not getattr(capabilities, name):
        raise UnsupportedCapabilityError(
            f"bus '{bus}' cannot do {what}: it does not offer '{name}'; choose a bus"
            " that does ('task plugins show bus NAME' tells)"
        )
