"""Which nsqds there are: those of the options, or those that nsqlookupds name."""

from collections.abc import Callable, Iterable, Sequence
from random import sample
from typing import Any

import attrs

from task_bus_nsq.http import Answer, HttpApi, ask_all
from task_bus_nsq.names import Address
from task_bus_nsq.settings import Settings
from task_core.api import BusConnectionError, BusError


@attrs.frozen
class Node:
    """An nsqd that a nsqlookupd names: where it speaks the protocol, and HTTP."""

    tcp: Address
    http: Address


class Discovery:
    """Asks nsqlookupds, if there are any.

    Args:
        settings: Whom to ask.
        api: Asks.
    """

    def __init__(self, settings: Settings, api: HttpApi) -> None:
        self._settings = settings
        self._api = api

    def readable(self, topic: str) -> Sequence[Address]:
        """Return the nsqds that hold a topic.

        When no nsqlookupd knows the topic, one of the nsqds is told to make it.

        Raises:
            BusConnectionError: No nsqlookupd answers, or they know no nsqd.
        """
        if not self._settings.lookupd:
            return self._settings.nsqd
        return self.holders(topic) or [self._create(topic)]

    def writable(self) -> Sequence[Address]:
        """Return the nsqds to send to.

        Raises:
            BusConnectionError: As for `readable`.
        """
        return self._settings.nsqd or _unique(node.tcp for node in self._nodes())

    def holders(self, topic: str) -> list[Address]:
        """Return the nsqds that nsqlookupds name for a topic.

        Raises:
            BusConnectionError: No nsqlookupd answers.
        """
        return _unique(node.tcp for node in self._lookup(topic))

    def http(self, topic: str) -> Sequence[Address]:
        """Return where the nsqds that may hold a topic answer, by HTTP."""
        return self._settings.http or _unique(node.http for node in self._lookup(topic))

    def topics(self) -> set[str]:
        """Return the names of all topics that nsqlookupds know."""
        answers = self._ask("/topics", lambda it: it["topics"] or ())
        return {name for names in answers for name in names}

    def _create(self, topic: str) -> Address:
        """Make a topic on one nsqd that is alive."""
        failures, query = [], {"topic": topic}
        nodes = self._nodes()
        for node in sample(nodes, len(nodes)):
            try:
                self._api.call(node.http, "/topic/create", query, post=True)
            except BusConnectionError as error:
                failures.append(str(error))
                continue
            except BusError:
                pass  # it is alive, and makes the topic when somebody reads it
            return node.tcp
        raise BusConnectionError("; ".join(failures))

    def _nodes(self) -> list[Node]:
        found = _joined(self._ask("/nodes", _producers))
        if not found:
            names = ", ".join(map(str, self._settings.lookupd))
            raise BusConnectionError(f"nsqlookupd {names} knows no nsqd")
        return found

    def _lookup(self, topic: str) -> list[Node]:
        # a topic that is not known is not found
        return _joined(self._ask("/lookup", _producers_or_none, topic=topic))

    def _ask(
        self, path: str, pick: Callable[[Any], Answer], **query: str
    ) -> Sequence[Answer]:
        return ask_all(
            self._settings.lookupd,
            lambda address: pick(self._api.call(address, path, query, post=False)),
            "nsqlookupd",
        )


def _producers(answer: Any) -> Sequence[Node]:
    """Return the nsqds that an nsqlookupd names."""
    return [
        Node(
            Address(it["broadcast_address"], it["tcp_port"]),
            Address(it["broadcast_address"], it["http_port"]),
        )
        for it in answer["producers"] or ()
    ]


def _producers_or_none(answer: Any) -> Sequence[Node]:
    return () if answer is None else _producers(answer)


def _joined(found: Iterable[Sequence[Node]]) -> list[Node]:
    return list(dict.fromkeys(node for nodes in found for node in nodes))


def _unique(addresses: Iterable[Address]) -> list[Address]:
    return list(dict.fromkeys(addresses))
