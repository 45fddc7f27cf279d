"""The names of topics that Kafka allows."""

import re

from task_core.api import dead_topic, excerpt, fitting_dead_topic

LONGEST = 249
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")
_DEAD = dead_topic("")


def kafka_topic(topic: str) -> str:
    """Return the name that a topic has on Kafka: its own, but for some dead topics.

    Example:
        >>> kafka_topic("load.dead"), len(kafka_topic("x" * 249 + ".dead"))
        ('load.dead', 249)
    """
    if len(topic) <= LONGEST or not topic.endswith(_DEAD):
        return topic
    origin = topic.removesuffix(_DEAD)
    return fitting_dead_topic(origin, LONGEST) if len(origin) <= LONGEST else topic


def name_problem(topic: str) -> str:
    """Say why brokers would refuse the name of a topic, or nothing."""
    name = kafka_topic(topic)
    if len(name) <= LONGEST and _NAME.fullmatch(name):
        return ""
    return (
        f"{excerpt(topic)} is no name of a topic: use 1 to {LONGEST} of A-Z a-z 0-9"
        " . _ -"
    )
