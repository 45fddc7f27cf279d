"""Which nsqds there are, and what they hold: asked by HTTP."""

from collections.abc import Iterable
from random import choice
from typing import Any

from task_bus_nsq.http import ask_all, call
from task_bus_nsq.names import Address
from task_bus_nsq.settings import Settings
from task_core.errors import BusConnectionError

_BRIEF = {"format": "json", "include_clients": "false"}


class Directory:
    """Asks by HTTP.

    Args:
        settings: Whom to ask.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timeout = settings.connect_timeout

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
            answers = self._ask_lookupds("/topics")
            return sorted({name for it in answers for name in it["topics"] or ()})
        stats = self._stats(self._settings.http)
        return sorted(
            {topic["topic_name"] for it in stats for topic in it["topics"] or ()}
        )

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages wait for a channel, on all nsqds together."""
        if self._settings.http or not self._settings.lookupd:
            where = self._settings.http
        else:
            found = self._lookup(topic)
            where = tuple(_unique(Address(host, http) for host, _, http in found))
        # asked for one channel, an nsqd leaves out topics that have no such channel
        stats = self._stats(where, topic=topic)
        return sum(
            _waiting(it, channel)
            for one in stats
            for it in one["topics"] or ()
            if it["topic_name"] == topic
        )

    def _create(self, topic: str) -> Address:
        host, tcp, http = choice(self._nodes())
        address = Address(host, http)
        call(address, "/topic/create", {"topic": topic}, self._timeout, post=True)
        return Address(host, tcp)

    def _nodes(self) -> list[tuple[str, int, int]]:
        found = _producers(self._ask_lookupds("/nodes"))
        if not found:
            names = ", ".join(map(str, self._settings.lookupd))
            raise BusConnectionError(f"nsqlookupd {names} knows no nsqd")
        return found

    def _lookup(self, topic: str) -> list[tuple[str, int, int]]:
        return _producers(self._ask_lookupds("/lookup", topic=topic))

    def _ask_lookupds(self, path: str, **query: str) -> list[Any]:
        answers = ask_all(
            self._settings.lookupd,
            lambda address: call(address, path, query, self._timeout),
            "nsqlookupd",
        )
        return [answer for answer in answers if answer is not None]

    def _stats(self, where: Iterable[Address], **query: str) -> list[Any]:
        answers = ask_all(
            where,
            lambda it: call(it, "/stats", {**_BRIEF, **query}, self._timeout),
            "nsqd",
        )
        return [answer for answer in answers if answer is not None]


def _producers(answers: Iterable[Any]) -> list[tuple[str, int, int]]:
    """Return host, TCP port and HTTP port of the nsqds in answers of nsqlookupds."""
    found = [
        (it["broadcast_address"], it["tcp_port"], it["http_port"])
        for answer in answers
        for it in answer["producers"] or ()
    ]
    return list(dict.fromkeys(found))


def _unique(addresses: Iterable[Address]) -> list[Address]:
    return list(dict.fromkeys(addresses))


def _waiting(topic: Any, channel: str) -> int:
    """Count what nobody holds: on the topic, on the channel, and put off."""
    count: int = topic["depth"]
    for it in topic["channels"] or ():
        if it["channel_name"] == channel:
            count += it["depth"] + it["deferred_count"]
    return count
