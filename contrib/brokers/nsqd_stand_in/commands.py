"""What each command of protocol V2 does, and how it is refused."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from brokers.nsqd_stand_in import states
from brokers.nsqd_stand_in.channel import Channel, NotInFlightError
from brokers.nsqd_stand_in.identify import identify
from brokers.nsqd_stand_in.names import is_name, quoted
from brokers.nsqd_stand_in.permission import auth, permitted
from brokers.nsqd_stand_in.publish import dpub, mpub, pub
from brokers.nsqd_stand_in.wire import (
    CLOSE_WAIT,
    OK,
    ProtocolError,
    Reader,
    number,
    text_of,
)

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.client import Client

Answer = bytes | Awaitable[bytes | None] | None
Command = Callable[["Client", list[bytes], Reader], Answer]


def execute(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    """Do one command.

    Args:
        client: that sent it.
        params: the words of its line.
        reader: of the bytes after the line.

    Raises:
        ProtocolError: it is refused.
        IncompleteError: not all of it has come.
    """
    name = params[0]
    if name != b"IDENTIFY":
        _check_tls(client, name)
    command = _COMMANDS.get(name)
    if command is None:
        raise _invalid(f"invalid command {text_of(name)}")
    return command(client, params, reader)


def _check_tls(client: "Client", name: bytes) -> None:
    if client.broker.options.tls_required != "false" and not client.identified.get(
        "tls"
    ):
        raise _invalid(f"cannot {text_of(name)} in current state (TLS required)")


def _invalid(text: str) -> ProtocolError:
    return ProtocolError("E_INVALID", text)


def _nop(client: "Client", params: list[bytes], reader: Reader) -> None:
    """Nothing: it answers a heartbeat."""


def _sub(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    if client.state != states.INIT:
        raise _invalid("cannot SUB in current state")
    if client.heartbeat <= 0:
        raise _invalid("cannot SUB with heartbeats disabled")
    if len(params) < 3:
        raise _invalid("SUB insufficient number of parameters")
    _, topic, channel = params[:3]
    if not is_name(topic):
        text = f"SUB topic name {quoted(topic)} is not valid"
        raise ProtocolError("E_BAD_TOPIC", text)
    if not is_name(channel):
        text = f"SUB channel name {quoted(channel)} is not valid"
        raise ProtocolError("E_BAD_CHANNEL", text)
    names = topic.decode(), channel.decode()
    return permitted(client, "SUB", *names, lambda: _subscribe(client, *names))


def _subscribe(client: "Client", topic: str, name: str) -> bytes:
    channel = client.broker.topic(topic).channel(name)
    most = client.broker.options.max_channel_consumers
    if most and len(channel.clients) >= most:
        text = f"consumers for {topic}:{name} exceeds limit of {most}"
        raise ProtocolError("E_SUB_FAILED", f"SUB failed {text}")
    channel.add(client)
    client.channel = channel
    client.state = states.SUBSCRIBED
    return OK


def _rdy(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    if client.state == states.CLOSING:
        return None
    if client.state != states.SUBSCRIBED:
        raise _invalid("cannot RDY in current state")
    most = client.broker.options.max_rdy_count
    count = number(params[1], "RDY could not parse count") if params[1:] else 1
    if count > most:
        raise _invalid(f"RDY count {count} out of range 0-{most}")
    client.ready_count = count
    if client.channel is not None:
        client.broker.dirty.add(client.channel)
    return None


def _message(
    client: "Client", params: list[bytes], least: int
) -> tuple[Channel, bytes]:
    """Return the channel and the id of the message that a command is about."""
    name = params[0].decode()
    if client.channel is None:
        raise _invalid(f"cannot {name} in current state")
    if len(params) < least:
        raise _invalid(f"{name} insufficient number of params")
    if len(params[1]) != 16:
        raise _invalid("invalid message ID")
    return client.channel, params[1]


def _not_in_flight(params: list[bytes], error: Exception) -> ProtocolError:
    name, key = params[0].decode(), text_of(params[1])
    return ProtocolError(
        f"E_{name}_FAILED", f"{name} {key} failed {error}", fatal=False
    )


def _fin(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    channel, key = _message(client, params, 2)
    try:
        channel.finish(client, key)
    except NotInFlightError as error:
        raise _not_in_flight(params, error) from None
    client.finish_count += 1
    client.in_flight -= 1
    return None


def _req(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    channel, key = _message(client, params, 3)
    delay = number(params[2], "REQ could not parse timeout") / 1000
    delay = min(delay, client.broker.options.max_req_timeout)
    try:
        channel.requeue(client, key, delay, client.broker.now())
    except NotInFlightError as error:
        raise _not_in_flight(params, error) from None
    client.requeue_count += 1
    client.in_flight -= 1
    return None


def _touch(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    channel, key = _message(client, params, 2)
    try:
        channel.touch(client, key, client.broker.now())
    except NotInFlightError as error:
        raise _not_in_flight(params, error) from None
    return None


def _cls(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    if client.state != states.SUBSCRIBED:
        raise _invalid("cannot CLS in current state")
    client.ready_count = 0
    client.state = states.CLOSING
    return CLOSE_WAIT


_COMMANDS: dict[bytes, Command] = {
    b"IDENTIFY": identify,
    b"AUTH": auth,
    b"SUB": _sub,
    b"PUB": pub,
    b"MPUB": mpub,
    b"DPUB": dpub,
    b"RDY": _rdy,
    b"FIN": _fin,
    b"REQ": _req,
    b"TOUCH": _touch,
    b"CLS": _cls,
    b"NOP": _nop,
}
