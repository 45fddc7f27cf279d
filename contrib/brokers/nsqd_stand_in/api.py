"""The HTTP API of nsqd."""

import struct
from typing import TYPE_CHECKING, Any

from brokers.nsqd_stand_in.names import is_name
from brokers.nsqd_stand_in.publish import read_batch
from brokers.nsqd_stand_in.settings import HOST, VERSION
from brokers.nsqd_stand_in.stats import stats
from brokers.nsqd_stand_in.web import Handler, HttpError, Request
from brokers.nsqd_stand_in.wire import IncompleteError, ProtocolError, Reader

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.broker import Broker
    from brokers.nsqd_stand_in.channel import Channel
    from brokers.nsqd_stand_in.topic import Topic

_SIZE = struct.Struct(">i")
_BOOL = {"true": True, "1": True, "false": False, "0": False}


class Api:
    """Handlers by method and path.

    Args:
        broker: that they ask and tell.
        ports: at which it is reached: TCP, HTTP.
    """

    def __init__(self, broker: "Broker", ports: tuple[int, int]) -> None:
        self._broker = broker
        self._ports = ports

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the table."""
        posts = {
            "/pub": self._pub,
            "/mpub": self._mpub,
            "/topic/create": self._create_topic,
            "/topic/delete": self._delete_topic,
            "/topic/empty": self._empty_topic,
            "/topic/pause": self._pause_topic,
            "/topic/unpause": self._pause_topic,
            "/channel/create": self._create_channel,
            "/channel/delete": self._delete_channel,
            "/channel/empty": self._empty_channel,
            "/channel/pause": self._pause_channel,
            "/channel/unpause": self._pause_channel,
        }
        gets = {"/ping": self._ping, "/info": self._info, "/stats": self._stats}
        return {
            **{("GET", path): handler for path, handler in gets.items()},
            **{("POST", path): self._settled(it) for path, it in posts.items()},
        }

    def _settled(self, handler: Handler) -> Handler:
        """Do what is left to do, after a request that may change something."""

        def settled(request: Request) -> object:
            try:
                return handler(request)
            finally:
                self._broker.settle()

        return settled

    def _ping(self, request: Request) -> str:
        return "OK"

    def _info(self, request: Request) -> dict[str, Any]:
        options = self._broker.options
        return {
            "version": VERSION,
            "broadcast_address": options.broadcast_address,
            "hostname": HOST,
            "http_port": self._ports[1],
            "tcp_port": self._ports[0],
            "start_time": int(self._broker.started),
            "max_heartbeat_interval": round(options.max_heartbeat_interval * 1e9),
            "max_output_buffer_size": options.max_output_buffer_size,
            "max_output_buffer_timeout": round(options.max_output_buffer_timeout * 1e9),
            "max_deflate_level": options.max_deflate_level,
        }

    def _stats(self, request: Request) -> object:
        names = request.get("topic") or "", request.get("channel") or ""
        clients = _BOOL.get(request.get("include_clients") or "", True)
        memory = _BOOL.get(request.get("include_mem") or "", True)
        found = stats(self._broker, *names, clients=clients, memory=memory)
        return found if request.get("format") == "json" else f"{found}\n"

    def _named(self, request: Request) -> "Topic":
        """Return the topic that is named, a new one if need be."""
        name = request.need("topic")
        if not is_name(name.encode()):
            raise HttpError(400, "INVALID_TOPIC")
        return self._broker.topic(name)

    def _existing(self, request: Request) -> "Topic":
        name = request.need("topic")
        if not is_name(name.encode()):
            raise HttpError(400, "INVALID_TOPIC")
        if name not in self._broker.topics:
            raise HttpError(404, "TOPIC_NOT_FOUND")
        return self._broker.topics[name]

    def _of_channel(self, request: Request) -> "tuple[Topic, str]":
        names = topic_and_channel(request)
        if names[0] not in self._broker.topics:
            raise HttpError(404, "TOPIC_NOT_FOUND")
        return self._broker.topics[names[0]], names[1]

    def _channel(self, request: Request) -> "Channel":
        topic, name = self._of_channel(request)
        if name not in topic.channels:
            raise HttpError(404, "CHANNEL_NOT_FOUND")
        return topic.channels[name]

    def _pub(self, request: Request) -> str:
        options = self._broker.options
        if len(request.body) > options.max_msg_size:
            raise HttpError(413, "MSG_TOO_BIG")
        if not request.body:
            raise HttpError(400, "MSG_EMPTY")
        topic = self._named(request)
        delay = _delay(request, options.max_req_timeout)
        batch = _SIZE.pack(len(request.body)) + request.body
        self._broker.publish(topic, [request.body], batch, delay)
        return "OK"

    def _mpub(self, request: Request) -> str:
        options = self._broker.options
        if len(request.body) > options.max_body_size:
            raise HttpError(413, "BODY_TOO_BIG")
        topic = self._named(request)
        binary = request.get("binary")
        if binary is not None and _BOOL.get(binary, True):
            bodies = self._batch(request.body)
        else:
            bodies = [body for body in request.body.split(b"\n") if body]
        if any(len(body) > options.max_msg_size for body in bodies):
            raise HttpError(413, "MSG_TOO_BIG")
        batch = b"".join(_SIZE.pack(len(body)) + body for body in bodies)
        self._broker.publish(topic, bodies, batch)
        return "OK"

    def _batch(self, body: bytes) -> list[bytes]:
        options = self._broker.options
        limits = options.max_msg_size, options.max_body_size
        try:
            return read_batch(Reader(body, 0), *limits)[0]
        except ProtocolError as error:
            raise HttpError(413, error.code.removeprefix("E_")) from None
        except IncompleteError as error:
            raise HttpError(413, error.failure.code.removeprefix("E_")) from None

    def _create_topic(self, request: Request) -> None:
        self._named(request)

    def _delete_topic(self, request: Request) -> None:
        name = request.need("topic")
        if name not in self._broker.topics:
            raise HttpError(404, "TOPIC_NOT_FOUND")
        self._broker.delete_topic(name)

    def _empty_topic(self, request: Request) -> None:
        self._existing(request).empty()

    def _pause_topic(self, request: Request) -> None:
        name = request.need("topic")
        if name not in self._broker.topics:
            raise HttpError(404, "TOPIC_NOT_FOUND")
        self._broker.topics[name].pause(not request.path.endswith("/unpause"))

    def _create_channel(self, request: Request) -> None:
        topic, name = self._of_channel(request)
        topic.channel(name)

    def _delete_channel(self, request: Request) -> None:
        channel = self._channel(request)
        channel.topic.delete_channel(channel.name)

    def _empty_channel(self, request: Request) -> None:
        channel = self._channel(request)
        channel.empty()
        if channel.durable:
            self._broker.journal.note("empty", channel.topic.name, channel.name)
        self._broker.dirty.add(channel)

    def _pause_channel(self, request: Request) -> None:
        channel = self._channel(request)
        channel.paused = not request.path.endswith("/unpause")
        if channel.durable:
            what = "pause" if channel.paused else "unpause"
            self._broker.journal.note(what, channel.topic.name, channel.name)
        self._broker.dirty.add(channel)


def topic_and_channel(request: Request) -> tuple[str, str]:
    """Return the two names.

    Raises:
        HttpError: one is missing or is no name.
    """
    topic = request.need("topic")
    if not is_name(topic.encode()):
        raise HttpError(400, "INVALID_ARG_TOPIC")
    channel = request.need("channel")
    if not is_name(channel.encode()):
        raise HttpError(400, "INVALID_ARG_CHANNEL")
    return topic, channel


def _delay(request: Request, longest: float) -> float:
    """Return the seconds to put a message off for."""
    text = request.get("defer")
    if text is None:
        return 0.0
    try:
        delay = int(text) / 1000
    except ValueError:
        raise HttpError(400, "INVALID_DEFER") from None
    if not 0 <= delay <= longest:
        raise HttpError(400, "INVALID_DEFER")
    return delay
