"""What each command of protocol V2 does, and how it is refused."""

import asyncio
from collections.abc import Awaitable, Callable

from brokers.nsqd_stand_in.broker import Broker
from brokers.nsqd_stand_in.channel import Channel, NotInFlightError
from brokers.nsqd_stand_in.connection import CLOSING, INIT, SUBSCRIBED, Connection
from brokers.nsqd_stand_in.identify import auth, identify, permit
from brokers.nsqd_stand_in.publish import dpub, mpub, pub
from brokers.nsqd_stand_in.wire import (
    CLOSE_WAIT,
    ERROR,
    OK,
    ProtocolError,
    frame,
    is_name,
    number,
    text_of,
)

Command = Callable[[Connection, list[bytes]], Awaitable[None]]


async def listen(broker: Broker, host: str, port: int) -> asyncio.Server:
    """Serve clients at an address, and return the server."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Connection(broker, reader, writer)
        try:
            await _serve(client)
        except ProtocolError as error:
            client.fail(error)
        except (OSError, EOFError):
            pass  # it is gone, wants no TLS, or sends a line without end
        finally:
            client.leave()

    return await asyncio.start_server(serve, host, port)


async def _serve(client: Connection) -> None:
    """Do commands until the connection ends."""
    if await client.input.exactly(4) != b"  V2":
        client.send(frame(ERROR, b"E_BAD_PROTOCOL"))
        return
    while True:
        line = await client.input.line()
        client.heard = client.broker.now()
        params = line.removesuffix(b"\r").split(b" ")
        try:
            await _execute(client, params)
        except ProtocolError as error:
            if error.fatal:
                raise
            client.fail(error)


async def _execute(client: Connection, params: list[bytes]) -> None:
    name = params[0]
    if name != b"IDENTIFY" and client.broker.options.tls_required and not client.tls:
        raise _invalid(f"cannot {text_of(name)} in current state (TLS required)")
    command = _COMMANDS.get(name)
    if command is None:
        raise _invalid(f"invalid command {text_of(name)}")
    await command(client, params)


def _invalid(text: str) -> ProtocolError:
    return ProtocolError("E_INVALID", text)


async def _nop(client: Connection, params: list[bytes]) -> None:
    """Nothing: it answers a heartbeat."""


async def _sub(client: Connection, params: list[bytes]) -> None:
    if client.state != INIT:
        raise _invalid("cannot SUB in current state")
    if client.heartbeat <= 0:
        raise _invalid("cannot SUB with heartbeats disabled")
    if len(params) < 3:
        raise _invalid("SUB insufficient number of parameters")
    topic, name = text_of(params[1]), text_of(params[2])
    if not is_name(params[1]):
        text = f'SUB topic name "{topic}" is not valid'
        raise ProtocolError("E_BAD_TOPIC", text)
    if not is_name(params[2]):
        text = f'SUB channel name "{name}" is not valid'
        raise ProtocolError("E_BAD_CHANNEL", text)
    await permit(client, "SUB", topic, name)
    client.channel = client.broker.channel(topic, name)
    client.channel.clients.append(client)
    client.state = SUBSCRIBED
    client.send(OK)


async def _rdy(client: Connection, params: list[bytes]) -> None:
    if client.state == CLOSING:
        return
    if client.channel is None:
        raise _invalid("cannot RDY in current state")
    most = client.broker.options.max_rdy_count
    count = number(params[1], "RDY could not parse count") if params[1:] else 1
    if count > most:
        raise _invalid(f"RDY count {count} out of range 0-{most}")
    client.ready_count = count
    client.broker.outgoing.add(client)  # what waits in its buffer may go now
    _changed(client, client.channel)


def _changed(client: Connection, channel: Channel) -> None:
    client.broker.dirty.add(channel)


def _message(
    client: Connection, params: list[bytes], least: int
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
    text = f"{name} {key} failed {error}"
    return ProtocolError(f"E_{name}_FAILED", text, fatal=False)


async def _fin(client: Connection, params: list[bytes]) -> None:
    channel, key = _message(client, params, 2)
    try:
        channel.finish(client, key)
    except NotInFlightError as error:
        raise _not_in_flight(params, error) from None
    client.finish_count += 1
    _changed(client, channel)


async def _req(client: Connection, params: list[bytes]) -> None:
    channel, key = _message(client, params, 3)
    delay = number(params[2], "REQ could not parse timeout") / 1000
    delay = min(delay, client.broker.options.max_req_timeout)
    due = client.broker.now() + delay if delay else 0.0
    try:
        message = channel.requeue(client, key, due)
    except NotInFlightError as error:
        raise _not_in_flight(params, error) from None
    client.requeue_count += 1
    client.broker.note_requeued(channel, message)


async def _touch(client: Connection, params: list[bytes]) -> None:
    channel, key = _message(client, params, 2)
    longest = client.broker.options.max_msg_timeout
    try:
        channel.touch(client, key, client.broker.now(), longest)
    except NotInFlightError as error:
        raise _not_in_flight(params, error) from None


async def _cls(client: Connection, params: list[bytes]) -> None:
    if client.state != SUBSCRIBED:
        raise _invalid("cannot CLS in current state")
    client.ready_count = 0
    client.state = CLOSING
    client.send(CLOSE_WAIT)


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
