"""The names of topics that Kafka allows."""

import re
from hashlib import sha256

from task_core.api import dead_topic, excerpt

LONGEST = 249
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")
_DEAD = dead_topic("")


def kafka_topic(topic: str) -> str:
    """Return the name that a topic has on Kafka: its own, but for some dead topics.

    That of a topic whose name is so long that the end does not fit keeps as much of it
    as does, with a digest of all. Dead letters tell where they came from.

    Example:
        >>> kafka_topic("load.dead"), len(kafka_topic("x" * 249 + ".dead"))
        ('load.dead', 249)
    """
    if len(topic) <= LONGEST or not topic.endswith(_DEAD):
        return topic
    origin = topic.removesuffix(_DEAD)
    end = f"-{sha256(origin.encode()).hexdigest()[:8]}{_DEAD}"
    return origin[: LONGEST - len(end)] + end if len(origin) <= LONGEST else topic


def name_problem(topic: str) -> str:
    """Say why brokers would refuse the name of a topic, or nothing."""
    name = kafka_topic(topic)
    if len(name) <= LONGEST and _NAME.fullmatch(name):
        return ""
    return (
        f"{excerpt(topic)} is no name of a topic: use 1 to {LONGEST} of A-Z a-z 0-9"
        " . _ -"
    )
