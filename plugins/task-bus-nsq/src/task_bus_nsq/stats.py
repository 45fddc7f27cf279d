"""What nsqds hold, and how to delete it: their HTTP API."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from task_bus_nsq.discovery import Discovery
from task_bus_nsq.http import Answer, HttpApi, ask_each
from task_bus_nsq.names import Address, topics_of
from task_bus_nsq.settings import Settings
from task_core.api import (
    BusConnectionError,
    BusError,
    ChannelState,
    UnsupportedCapabilityError,
)

_log = logging.getLogger("task.bus.nsq")
_BRIEF = {"format": "json", "include_clients": "false"}


class Stats:
    """Counts over all nsqds.

    Args:
        settings: Whom to ask.
        api: Asks.
        discovery: Knows the nsqds.
        ping: Asks an nsqd for a sign of life over its own protocol.
    """

    def __init__(
        self,
        settings: Settings,
        api: HttpApi,
        discovery: Discovery,
        ping: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._api = api
        self._discovery = discovery
        self._ping = ping
        self._has_answered = False
        self._silent: Sequence[str] = ()  # why some did not answer, as was told

    def topics(self) -> list[str]:
        """Return the names of all topics, sorted."""
        if self._settings.lookupd:
            return topics_of(self._discovery.topics())
        answers = self._ask(self._settings.http, lambda it: it["topics"] or ())
        return topics_of(it["topic_name"] for topics in answers for it in topics)

    def depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included.

        Raises:
            BusConnectionError: Some do not answer: what they have would count as none.
        """
        return sum(
            stats["depth"] + sum(_waiting(it) for it in _channels(stats, channel))
            for stats in self._of(topic, of_all="so nobody knows how much waits")
        )

    def channels(self, topic: str) -> list[ChannelState]:
        """Return the channels of a topic, sorted by name."""
        found: dict[str, ChannelState] = {}
        for stats in self._of(topic):
            for it in _channels(stats):
                name, waiting = it["channel_name"], stats["depth"] + _waiting(it)
                here = ChannelState(name, waiting, it["in_flight_count"])
                found[name] = _sum(found.get(name, ChannelState(name, 0, 0)), here)
        return [found[name] for name in sorted(found)]

    def kept(self, topic: str) -> int:
        """Return how many messages nsqds keep that have no channel for them yet."""
        return sum(it["depth"] for it in self._of(topic) if not it["channels"])

    def timeouts(self, topic: str, channel: str, nsqds: int) -> int | None:
        """Return how many leases have ended on a channel; None: nobody knows.

        Args:
            topic, channel: Which.
            nsqds: How many have it: unless all of them tell, nobody knows.
        """
        found = [it for stats in self._of(topic) for it in _channels(stats, channel)]
        if len(found) < nsqds:
            return None
        return sum(int(it["timeout_count"]) for it in found)

    def delete(self, topic: str, channel: str) -> None:
        """Delete a channel, or a topic; one that is not there is no error.

        Raises:
            BusConnectionError: Some do not answer; those that do have deleted it.
        """
        path = "/channel/delete" if channel else "/topic/delete"
        query = {"topic": topic, **({"channel": channel} if channel else {})}
        where = self._discovery.http(topic)
        again = f"so '{channel or topic}' is there still: delete it again later"
        self._ask_all(
            where, lambda it: self._api.call(it, path, query, post=True), of_all=again
        )

    def _of(self, topic: str, *, of_all: str = "") -> Iterable[Any]:
        """Return what each nsqd that has it tells of a topic; see `_ask_all`."""
        # asked for one channel, an nsqd leaves out topics that have no such channel
        answers = self._ask(
            self._discovery.http(topic),
            lambda it: [t for t in it["topics"] or () if t["topic_name"] == topic],
            of_all,
            topic=topic,
        )
        return (stats for found in answers for stats in found)

    def _ask(
        self,
        where: Iterable[Address],
        pick: Callable[[Any], Answer],
        of_all: str = "",
        **query: str,
    ) -> Sequence[Answer]:
        query = {**_BRIEF, **query}

        def ask(address: Address) -> Answer:
            return pick(self._api.call(address, "/stats", query, post=False))

        return self._ask_all(where, ask, of_all=of_all)

    def _ask_all(
        self,
        where: Iterable[Address],
        ask: Callable[[Address], Answer],
        *,
        of_all: str = "",
    ) -> Sequence[Answer]:
        """Ask each of them.

        Args:
            where, ask: Whom and what.
            of_all: What it means when some do not answer, where that is an error; else
                it is only told.

        Raises:
            BusConnectionError: None answers, or not all that have to.
            UnsupportedCapabilityError: HTTP never answered, though nsqd is there: to
                wait would not help.
        """
        answers, silent = ask_each(where, ask, "nsqd")
        if silent and not answers:
            raise self._nobody(silent)
        self._has_answered = True
        if silent and of_all:
            raise BusConnectionError(
                f"bus 'nsq': not every nsqd answers, {of_all}: {'; '.join(silent)}"
            )
        if silent and silent != self._silent:
            _log.warning("what these have does not count: %s", "; ".join(silent))
        self._silent = silent
        return answers

    def _nobody(self, silent: Sequence[str]) -> BusError:
        """Return the error for none that answers."""
        text = f"no nsqd answers: {'; '.join(silent)}"
        if self._has_answered or not self._is_alive():
            return BusConnectionError(text)
        return UnsupportedCapabilityError(
            f"bus 'nsq': {text}; nsqd itself is there, so set the option http to"
            " where its HTTP API is reached (its --http-address)"
        )

    def _is_alive(self) -> bool:
        try:
            self._ping()
        except BusConnectionError:
            return False
        except BusError:  # it refuses us, so it is there
            return True
        return True


def _channels(stats: Any, name: str = "") -> list[Any]:
    channels = stats["channels"] or ()
    return [it for it in channels if name in {"", it["channel_name"]}]


def _waiting(channel: Any) -> int:
    count: int = channel["depth"] + channel["deferred_count"]
    return count


def _sum(one: ChannelState, other: ChannelState) -> ChannelState:
    held = (one.held or 0) + (other.held or 0)
    return ChannelState(one.name, one.waiting + other.waiting, held)
