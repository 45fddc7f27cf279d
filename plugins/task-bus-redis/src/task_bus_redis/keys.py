"""The names of keys."""


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
