"""Which messages are too long, and how many are written at once."""

from collections.abc import Mapping, Sequence

from task_bus_nats.headers import size_of
from task_bus_nats.link import Link
from task_bus_nats.names import Names
from task_core.api import Message, PayloadError

LARGEST = 1_048_576
"""About how many bytes are written before answers are read."""


def check_sizes(messages: Sequence[Message], link: Link, names: Names) -> None:
    """See that headers and body together are not too long for a server.

    Args:
        messages: What is to be sent.
        link: The connection to it.
        names: What topics are called there.

    Raises:
        PayloadError: Some are; it tells which.
    """
    most = link.max_payload
    for it in messages:  # not `any`: it takes longer for one message
        if it.headers or it.delay or len(it.body) > most:
            break
    else:
        return
    refused = [at for at, it in enumerate(messages) if size_of(it, names) > most]
    if refused:
        text = f"NATS at {link.address}: takes at most {most} bytes, headers"
        raise PayloadError(f"{text} included (its max_payload)", refused)


def check_topics(
    messages: Sequence[Message], longest: Mapping[str, int], link: Link, names: Names
) -> None:
    """See that none is too long for its topic, where somebody has bounded that.

    Args:
        messages: What is to be sent.
        longest: Bytes that such topics take.
        link: The connection to the server.
        names: What topics are called there.

    Raises:
        PayloadError: Some are; it tells which.
    """
    refused = [
        at
        for at, it in enumerate(messages)
        if it.topic in longest and size_of(it, names) > longest[it.topic]
    ]
    if refused:
        topic = messages[refused[0]].topic
        text = f"NATS at {link.address}: topic '{topic}' takes at most {longest[topic]}"
        raise PayloadError(
            f"{text} bytes, headers included (max_msg_size of its stream)", refused
        )


def count_of(messages: Sequence[Message], some: Sequence[int]) -> int:
    """Return how many of the first are to be written at once; at least one."""
    sizes = [len(messages[at].body) for at in some]
    if sum(sizes) <= LARGEST:
        return len(some)
    size = 0
    for count, more in enumerate(sizes):
        size += more
        if size > LARGEST and count:
            return count
    return len(some)
