"""The names of keys."""

from task_core.api import BusError


def name_problem(kind: str, name: str) -> str:
    """Say why a name cannot be had, or nothing.

    Args:
        kind: `topic` or `channel`.
        name: The name.
    """
    try:
        name.encode()
    except UnicodeError:
        return f"bus 'redis': {name!r} is no name of a {kind}: it is no Unicode text"
    return ""


def check_names(topic: str, channel: str = "") -> None:
    """Refuse names that no key can have.

    Raises:
        BusError: One of them is such.
    """
    if problem := name_problem("topic", topic) or name_problem("channel", channel):
        raise BusError(problem)


class Keys:
    """What the keys of topics are called.

    The braces keep all keys of one topic on one node of a cluster.

    Args:
        prefix: What all of them begin with.
        registry: Key of the set of all topics.

    Example:
        >>> Keys("task").base("load")
        'task:{load}'
        >>> Keys("task").topic_of(b"task:{load}")
        'load'
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.registry = f"{prefix}:topics"

    def base(self, topic: str) -> str:
        """Return what the keys of a topic begin with."""
        return f"{self._prefix}:{{{topic}}}"

    def topic_of(self, base: bytes) -> str:
        """Return the topic of a base."""
        return base.decode()[len(self._prefix) + 2 : -1]
