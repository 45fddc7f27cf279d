"""Which nsqds there are, and what they hold: asked by HTTP."""

from collections.abc import Callable, Iterable, Sequence
from random import sample
from typing import Any

from task_bus_nsq.http import Answer, ask_all, build_opener, call
from task_bus_nsq.names import Address
from task_bus_nsq.settings import Settings
from task_core.errors import BusConnectionError, BusError

_BRIEF = {"format": "json", "include_clients": "false"}


class Directory:
    """Asks by HTTP.

    Args:
        settings: Whom to ask.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timeout = settings.connect_timeout
        self._opener = build_opener(settings.tls)

    def readable(self, topic: str) -> list[Address]:
        """Return the nsqds that hold a topic.

        When no nsqlookupd knows the topic, one of the nsqds is told to make it.

        Raises:
            BusConnectionError: No nsqlookupd answers, or they know no nsqd.
        """
        if not self._settings.lookupd:
            return list(self._settings.nsqd)
        return self.holders(topic) or [self._create(topic)]

    def writable(self) -> list[Address]:
        """Return the nsqds to send to.

        Raises:
            BusConnectionError: As for `readable`.
        """
        if self._settings.nsqd:
            return list(self._settings.nsqd)
        return _unique(Address(*node[:2]) for node in self._nodes())

    def holders(self, topic: str) -> list[Address]:
        """Return the nsqds that nsqlookupds name for a topic.

        Raises:
            BusConnectionError: No nsqlookupd answers.
        """
        return _unique(Address(host, tcp) for host, tcp, _ in self._lookup(topic))

    def topics(self) -> list[str]:
        """Return the names of all topics, sorted."""
        if self._settings.lookupd:
            answers = self._ask_lookupds("/topics", lambda it: it["topics"] or ())
        else:
            answers = self._ask_nsqds(self._settings.http, _topic_names)
        return sorted({name for names in answers for name in names})

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages wait for a channel, on all nsqds together."""
        where: Iterable[Address] = self._settings.http
        if not where:
            found = self._lookup(topic)
            where = _unique(Address(host, http) for host, _, http in found)
        # asked for one channel, an nsqd leaves out topics that have no such channel
        return sum(
            self._ask_nsqds(where, lambda it: _waiting(it, topic, channel), topic=topic)
        )

    def _create(self, topic: str) -> Address:
        """Make a topic on one nsqd that is alive."""
        failures, query = [], {"topic": topic}
        nodes = self._nodes()
        for host, tcp, http in sample(nodes, len(nodes)):
            try:
                self._call(Address(host, http), "/topic/create", query, post=True)
            except BusConnectionError as error:
                failures.append(str(error))
                continue
            except BusError:
                pass  # it is alive, and makes the topic when somebody reads it
            return Address(host, tcp)
        raise BusConnectionError("; ".join(failures))

    def _nodes(self) -> list[tuple[str, int, int]]:
        found = _joined(self._ask_lookupds("/nodes", _producers))
        if not found:
            names = ", ".join(map(str, self._settings.lookupd))
            raise BusConnectionError(f"nsqlookupd {names} knows no nsqd")
        return found

    def _lookup(self, topic: str) -> list[tuple[str, int, int]]:
        # a topic that is not known is not found
        return _joined(
            self._ask_lookupds(
                "/lookup", lambda it: () if it is None else _producers(it), topic=topic
            )
        )

    def _ask_lookupds(
        self, path: str, pick: Callable[[Any], Answer], **query: str
    ) -> Sequence[Answer]:
        return ask_all(
            self._settings.lookupd,
            lambda address: pick(self._call(address, path, query)),
            "nsqlookupd",
        )

    def _ask_nsqds(
        self, where: Iterable[Address], pick: Callable[[Any], Answer], **query: str
    ) -> Sequence[Answer]:
        return ask_all(
            where,
            lambda it: pick(self._call(it, "/stats", {**_BRIEF, **query})),
            "nsqd",
        )

    def _call(
        self, address: Address, path: str, query: dict[str, str], *, post: bool = False
    ) -> Any:
        return call(self._opener, address, path, query, self._timeout, post=post)


def _producers(answer: Any) -> Sequence[tuple[str, int, int]]:
    """Return host, TCP port and HTTP port of the nsqds that an nsqlookupd names."""
    return [
        (it["broadcast_address"], it["tcp_port"], it["http_port"])
        for it in answer["producers"] or ()
    ]


def _joined(
    found: Iterable[Sequence[tuple[str, int, int]]],
) -> list[tuple[str, int, int]]:
    return list(dict.fromkeys(node for nodes in found for node in nodes))


def _unique(addresses: Iterable[Address]) -> list[Address]:
    return list(dict.fromkeys(addresses))


def _topic_names(stats: Any) -> Sequence[str]:
    return [topic["topic_name"] for topic in stats["topics"] or ()]


def _waiting(stats: Any, topic: str, channel: str) -> int:
    """Count what nobody holds: on the topic, on the channel, and put off."""
    count = 0
    for it in stats["topics"] or ():
        if it["topic_name"] == topic:
            count += it["depth"]
            count += sum(
                one["depth"] + one["deferred_count"]
                for one in it["channels"] or ()
                if one["channel_name"] == channel
            )
    return count
