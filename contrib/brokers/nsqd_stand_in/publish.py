"""PUB, MPUB and DPUB: messages in."""

from brokers.nsqd_stand_in.connection import Connection
from brokers.nsqd_stand_in.identify import permit
from brokers.nsqd_stand_in.wire import (
    OK,
    SIZE,
    Input,
    ProtocolError,
    is_name,
    number,
    text_of,
)


async def pub(client: Connection, params: list[bytes]) -> None:
    """Take one message in."""
    topic = _topic(params, 2, "PUB topic")
    await _one(client, "PUB", topic, 0.0)


async def dpub(client: Connection, params: list[bytes]) -> None:
    """Take one message in, for later."""
    topic = _topic(params, 3, "DPUB topic")
    delay = number(params[2], "DPUB could not parse timeout")
    longest = round(client.broker.options.max_req_timeout * 1000)
    if delay > longest:
        text = f"DPUB timeout {delay} out of range 0-{longest}"
        raise ProtocolError("E_INVALID", text)
    await _one(client, "DPUB", topic, delay / 1000)


def _topic(params: list[bytes], least: int, what: str) -> str:
    name = params[0].decode()
    if len(params) < least:
        text = f"{name} insufficient number of parameters"
        raise ProtocolError("E_INVALID", text)
    topic = text_of(params[1])
    if not is_name(params[1]):
        text = f'{what} name "{topic}" is not valid'
        raise ProtocolError("E_BAD_TOPIC", text)
    return topic


async def _one(client: Connection, name: str, topic: str, delay: float) -> None:
    """Read one message and take it in, after a delay in seconds."""
    bad, source = "E_BAD_MESSAGE", client.input
    size = await source.size(bad, f"{name} failed to read message body size")
    if size <= 0:
        raise ProtocolError(bad, f"{name} invalid message body size {size}")
    most = client.broker.options.max_msg_size
    if size > most:
        raise ProtocolError(bad, f"{name} message too big {size} > {most}")
    body = await source.read(size, bad, f"{name} failed to read message body")
    await permit(client, name, topic)
    client.broker.publish(topic, [body], delay)
    client.send(OK)


async def mpub(client: Connection, params: list[bytes]) -> None:
    """Take many messages in, or none of them."""
    topic = _topic(params, 2, "E_BAD_TOPIC MPUB topic")
    bad, options = "E_BAD_BODY", client.broker.options
    size = await client.input.size(bad, "MPUB failed to read body size")
    if size <= 0:
        raise ProtocolError(bad, f"MPUB invalid body size {size}")
    most = options.max_body_size
    if size > most:
        raise ProtocolError(bad, f"MPUB body too big {size} > {most}")
    bodies = await read_batch(client.input, options.max_msg_size, most)
    await permit(client, "MPUB", topic)
    client.broker.publish(topic, bodies)
    client.send(OK)


async def read_batch(
    source: Input, max_msg_size: int, max_body_size: int
) -> list[bytes]:
    """Read a count and so many messages.

    Raises:
        ProtocolError: a message or the count is not valid.
    """
    bad = "E_BAD_BODY"
    count = await source.size(bad, "MPUB failed to read message count")
    if not 0 < count <= (max_body_size - 4) // 5:
        raise ProtocolError(bad, f"MPUB invalid message count {count}")
    return [await _message(source, it, max_msg_size) for it in range(count)]


async def _message(source: Input, number: int, most: int) -> bytes:
    bad, what = "E_BAD_MESSAGE", "size"
    try:
        (size,) = SIZE.unpack(await source.exactly(4))
        what = ""
        if 0 < size <= most:
            return await source.exactly(size)
    except EOFError:
        which = f"message({number}) body size" if what else "message body"
        raise ProtocolError(bad, f"MPUB failed to read {which}") from None
    if size <= 0:
        raise ProtocolError(bad, f"MPUB invalid message({number}) body size {size}")
    raise ProtocolError(bad, f"MPUB message too big {size} > {most}")
