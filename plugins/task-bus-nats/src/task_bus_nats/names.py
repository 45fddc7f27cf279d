"""Topics and channels -> the names of streams, subjects and consumers, and back."""

from urllib.parse import quote, unquote

import attrs

from task_core.api import BusError, dead_topic

LONGEST = 200
"""Characters of an escaped name; a server takes 255, and dead topics need some."""
KEEPER = "="
"""The consumer that holds what is sent before the first channel: no channel's name."""
LATER = "=later"
"""The consumer that holds what is not due yet."""


def escaped(name: str) -> str:
    """Return a name without what NATS gives a meaning: dots, blanks, `*`, `>`, `/`.

    Example:
        >>> escaped("load"), escaped("load.dead"), escaped("a *")
        ('load', 'load=2Edead', 'a=20=2A')
    """
    # Not with `%`: older servers take it for one of a format.
    return quote(name, safe="").replace(".", "%2E").replace("%", "=")


def _plain(name: str) -> str:
    return unquote(name.replace("=", "%"))


def name_problem(kind: str, name: str) -> str:
    """Say why a name cannot be had, or nothing.

    Args:
        kind: `topic` or `channel`.
        name: The name.
    """
    if not name:
        return f"{kind} required: it is empty"
    try:
        length = len(escaped(name.removesuffix(dead_topic(""))))
    except UnicodeEncodeError:
        return f"{name!r} is no name of a {kind}: it is no text"
    if length <= LONGEST:
        return ""
    return (
        f"the name of the {kind} '{name[:40]}…' is too long: at most {LONGEST} letters,"
        " digits, - and _ (others count three times)"
    )


@attrs.frozen
class Place:
    """The names of one topic.

    Args:
        stream: Where its messages are.
        subject: What they are sent to.
        later: What the subjects of those that are not due begin with.
    """

    stream: str
    subject: str
    later: str


class Names:
    """What topics and channels are called on the server.

    Args:
        prefix: What the names of all streams begin with: letters, digits and `-`.

    Example:
        >>> names = Names("task")
        >>> names.place("load.dead").stream, names.place("load.dead").subject
        ('task_load=2Edead', 'task.load=2Edead')
        >>> names.topic("task_load=2Edead")
        'load.dead'
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._places: dict[str, Place] = {}
        self._subjects: dict[str, bytes] = {}
        self.all = f"{prefix}.*"

    def place(self, topic: str) -> Place:
        """Return the names of a topic.

        Raises:
            BusError: It can have none.
        """
        if (place := self._places.get(topic)) is None:
            name = self._checked("topic", topic)
            place = self._places[topic] = Place(
                f"{self._prefix}_{name}",
                f"{self._prefix}.{name}",
                f"{self._prefix}-later.{name}",
            )
        return place

    def problem(self, topic: str) -> str:
        """Say why a topic cannot be, or nothing."""
        return "" if topic in self._places else name_problem("topic", topic)

    def subject(self, topic: str) -> bytes:
        """Return where the messages of a topic are sent to."""
        if (found := self._subjects.get(topic)) is None:
            found = self._subjects[topic] = self.place(topic).subject.encode()
        return found

    def consumer(self, channel: str) -> str:
        """Return the consumer of a channel.

        Raises:
            BusError: It can have none.
        """
        return self._checked("channel", channel)

    def topic(self, stream: str) -> str:
        """Return the topic of a stream; nothing if it is none of ours."""
        prefix, mark, name = stream.partition("_")
        return _plain(name) if mark and prefix == self._prefix else ""

    def channel(self, consumer: str) -> str:
        """Return the channel of a consumer; nothing if it is none."""
        return "" if consumer in {KEEPER, LATER} else _plain(consumer)

    def _checked(self, kind: str, name: str) -> str:
        if problem := name_problem(kind, name):
            raise BusError(f"bus 'nats': {problem}")
        return escaped(name)
