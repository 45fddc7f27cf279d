"""The HTTP API of nsqd."""

import asyncio
from collections.abc import Sequence
from typing import Any

from brokers.nsqd_stand_in.broker import Broker
from brokers.nsqd_stand_in.publish import read_batch
from brokers.nsqd_stand_in.settings import HOST, VERSION
from brokers.nsqd_stand_in.stats import stats
from brokers.nsqd_stand_in.web import HttpError, Request, Routes
from brokers.nsqd_stand_in.wire import Input, ProtocolError, is_name

_FALSE = ("false", "0")


class Api:
    """Handlers by method and path.

    Args:
        broker: that they ask and tell.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.ports = (0, 0)
        """Where it is reached: TCP, HTTP."""

    def routes(self) -> Routes:
        """Return the table."""
        return {
            ("GET", "/ping"): self._ping,
            ("GET", "/info"): self._info,
            ("GET", "/stats"): self._stats,
            ("POST", "/pub"): self._pub,
            ("POST", "/mpub"): self._mpub,
            ("POST", "/topic/create"): self._create_topic,
            ("POST", "/topic/delete"): self._delete_topic,
            ("POST", "/channel/create"): self._create_channel,
            ("POST", "/channel/delete"): self._delete_channel,
        }

    async def _ping(self, request: Request) -> str:
        return "OK"

    async def _info(self, request: Request) -> dict[str, Any]:
        options = self._broker.options
        return {
            "version": VERSION,
            "broadcast_address": options.broadcast_address,
            "hostname": HOST,
            "http_port": self.ports[1],
            "tcp_port": self.ports[0],
            "start_time": int(self._broker.started),
            "max_heartbeat_interval": round(options.max_heartbeat_interval * 1e9),
        }

    async def _stats(self, request: Request) -> object:
        names = request.get("topic") or "", request.get("channel") or ""
        clients = request.get("include_clients") not in _FALSE
        return stats(self._broker, *names, clients=clients)

    def _name(self, request: Request) -> str:
        """Return the topic that is named."""
        name = request.need("topic")
        if not is_name(name.encode()):
            raise HttpError(400, "INVALID_TOPIC")
        return name

    async def _pub(self, request: Request) -> str:
        if not request.body:
            raise HttpError(400, "MSG_EMPTY")
        return self._publish(request, [request.body])

    async def _mpub(self, request: Request) -> str:
        options = self._broker.options
        if len(request.body) > options.max_body_size:
            raise HttpError(413, "BODY_TOO_BIG")
        if request.get("binary") in {None, *_FALSE}:
            return self._publish(request, list(filter(None, request.body.split(b"\n"))))
        reader = asyncio.StreamReader()
        reader.feed_data(request.body)
        reader.feed_eof()
        limits = options.max_msg_size, options.max_body_size
        try:
            return self._publish(
                request, await read_batch(Input(reader, lambda: None), *limits)
            )
        except ProtocolError as error:
            raise HttpError(413, error.code.removeprefix("E_")) from None

    def _publish(self, request: Request, bodies: Sequence[bytes]) -> str:
        if any(len(it) > self._broker.options.max_msg_size for it in bodies):
            raise HttpError(413, "MSG_TOO_BIG")
        self._broker.publish(self._name(request), bodies)
        self._broker.settle()  # what is answered is on its way to the disk
        return "OK"

    async def _create_topic(self, request: Request) -> None:
        self._broker.topic(self._name(request))
        self._broker.settle()

    async def _delete_topic(self, request: Request) -> None:
        name = request.need("topic")
        if name not in self._broker.topics:
            raise HttpError(404, "TOPIC_NOT_FOUND")
        self._broker.delete_topic(name)
        self._broker.settle()

    def _of_channel(self, request: Request) -> tuple[str, str]:
        topic, channel = request.topic_and_channel()
        if topic not in self._broker.topics:
            raise HttpError(404, "TOPIC_NOT_FOUND")
        return topic, channel

    async def _create_channel(self, request: Request) -> None:
        self._broker.channel(*self._of_channel(request))
        self._broker.settle()

    async def _delete_channel(self, request: Request) -> None:
        topic, channel = self._of_channel(request)
        if channel not in self._broker.topics[topic].channels:
            raise HttpError(404, "CHANNEL_NOT_FOUND")
        self._broker.delete_channel(topic, channel)
        self._broker.settle()
