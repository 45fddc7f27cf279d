"""The HTTP API of nsqlookupd."""

from types import SimpleNamespace
from typing import Any

from brokers.nsqd_stand_in.api import topic_and_channel
from brokers.nsqd_stand_in.lookup_db import CLIENT, Peer, Registrations, active
from brokers.nsqd_stand_in.names import is_name
from brokers.nsqd_stand_in.settings import VERSION
from brokers.nsqd_stand_in.web import Handler, HttpError, Request


class LookupApi:
    """Handlers by method and path.

    Args:
        known: that they ask and tell.
        options: as the flags gave them.
    """

    def __init__(self, known: Registrations, options: SimpleNamespace) -> None:
        self._known = known
        self._options = options

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the table."""
        return {
            ("GET", "/ping"): self._ping,
            ("GET", "/info"): self._info,
            ("GET", "/lookup"): self._lookup,
            ("GET", "/topics"): self._topics,
            ("GET", "/channels"): self._channels,
            ("GET", "/nodes"): self._nodes,
            ("POST", "/topic/create"): self._create_topic,
            ("POST", "/topic/delete"): self._delete_topic,
            ("POST", "/topic/tombstone"): self._tombstone,
            ("POST", "/channel/create"): self._create_channel,
            ("POST", "/channel/delete"): self._delete_channel,
        }

    def _ping(self, request: Request) -> str:
        return "OK"

    def _info(self, request: Request) -> dict[str, str]:
        return {"version": VERSION}

    def _lookup(self, request: Request) -> dict[str, Any]:
        topic = request.need("topic")
        if not self._known.find("topic", topic, ""):
            raise HttpError(404, "TOPIC_NOT_FOUND")
        silent = self._options.inactive_producer_timeout
        hidden = self._options.tombstone_lifetime
        producers = active(self._known.producers(("topic", topic, "")), silent, hidden)
        return {
            "channels": self._names_of_channels(topic),
            "producers": [it.peer.about() for it in producers],
        }

    def _names_of_channels(self, topic: str) -> list[str]:
        return [channel for _, _, channel in self._known.find("channel", topic, "*")]

    def _topics(self, request: Request) -> dict[str, Any]:
        return {"topics": [topic for _, topic, _ in self._known.find("topic", "*", "")]}

    def _channels(self, request: Request) -> dict[str, Any]:
        return {"channels": self._names_of_channels(request.need("topic"))}

    def _nodes(self, request: Request) -> dict[str, Any]:
        silent = self._options.inactive_producer_timeout
        producers = active(self._known.producers(CLIENT), silent, 0.0)
        return {"producers": [self._node(it.peer) for it in producers]}

    def _node(self, peer: Peer) -> dict[str, Any]:
        hidden = self._options.tombstone_lifetime
        topics = list(self._known.topics_of(peer))
        return peer.about() | {
            "tombstones": [producer.buried(hidden) for _, producer in topics],
            "topics": [name for name, _ in topics],
        }

    def _create_topic(self, request: Request) -> None:
        topic = request.need("topic")
        if not is_name(topic.encode()):
            raise HttpError(400, "INVALID_ARG_TOPIC")
        self._known.add(("topic", topic, ""))

    def _delete_topic(self, request: Request) -> None:
        topic = request.need("topic")
        for key in self._known.find("channel", topic, "*"):
            self._known.forget(key)
        self._known.forget(("topic", topic, ""))

    def _tombstone(self, request: Request) -> None:
        topic, node = request.need("topic"), request.need("node")
        for producer in self._known.producers(("topic", topic, "")):
            if producer.peer.node == node:
                producer.bury()

    def _create_channel(self, request: Request) -> None:
        topic, channel = topic_and_channel(request)
        self._known.add(("channel", topic, channel))
        self._known.add(("topic", topic, ""))

    def _delete_channel(self, request: Request) -> None:
        topic, channel = topic_and_channel(request)
        if not self._known.find("channel", topic, channel):
            raise HttpError(404, "CHANNEL_NOT_FOUND")
        self._known.forget(("channel", topic, channel))
