"""PUB, MPUB and DPUB: messages in."""

from typing import TYPE_CHECKING

from brokers.nsqd_stand_in.names import is_name, quoted
from brokers.nsqd_stand_in.permission import Answer, permitted
from brokers.nsqd_stand_in.wire import OK, ProtocolError, Reader, number

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.client import Client


def pub(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    """Take one message in."""
    topic = _topic(params, 2, "PUB topic")
    return _one(client, "PUB", topic, reader, 0.0)


def dpub(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    """Take one message in, for later."""
    topic = _topic(params, 3, "DPUB topic")
    delay = number(params[2], "DPUB could not parse timeout")
    longest = round(client.broker.options.max_req_timeout * 1000)
    if delay > longest:
        text = f"DPUB timeout {delay} out of range 0-{longest}"
        raise ProtocolError("E_INVALID", text)
    return _one(client, "DPUB", topic, reader, delay / 1000)


def _topic(params: list[bytes], least: int, what: str) -> str:
    name = params[0].decode()
    if len(params) < least:
        text = f"{name} insufficient number of parameters"
        raise ProtocolError("E_INVALID", text)
    if not is_name(params[1]):
        text = f"{what} name {quoted(params[1])} is not valid"
        raise ProtocolError("E_BAD_TOPIC", text)
    return params[1].decode()


def _one(
    client: "Client", name: str, topic: str, reader: Reader, delay: float
) -> Answer:
    """Read one message and take it in, after a delay in seconds."""
    start = reader.position
    bad = "E_BAD_MESSAGE"
    size = reader.size(ProtocolError(bad, f"{name} failed to read message body size"))
    if size <= 0:
        raise ProtocolError(bad, f"{name} invalid message body size {size}")
    most = client.broker.options.max_msg_size
    if size > most:
        raise ProtocolError(bad, f"{name} message too big {size} > {most}")
    body = reader.body(size, ProtocolError(bad, f"{name} failed to read message body"))
    batch = reader.data[start : reader.position]
    return permitted(
        client, name, topic, "", lambda: _publish(client, topic, [body], batch, delay)
    )


def _publish(
    client: "Client", topic: str, bodies: list[bytes], batch: bytes, delay: float = 0.0
) -> bytes:
    client.broker.publish(client.broker.topic(topic), bodies, batch, delay)
    client.published[topic] = client.published.get(topic, 0) + len(bodies)
    return OK


def mpub(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    """Take many messages in, or none of them."""
    topic = _topic(params, 2, "E_BAD_TOPIC MPUB topic")
    bad = "E_BAD_BODY"
    size = reader.size(ProtocolError(bad, "MPUB failed to read body size"))
    if size <= 0:
        raise ProtocolError(bad, f"MPUB invalid body size {size}")
    most = client.broker.options.max_body_size
    if size > most:
        raise ProtocolError(bad, f"MPUB body too big {size} > {most}")
    options = client.broker.options
    bodies, start = read_batch(reader, options.max_msg_size, most)
    batch = reader.data[start : reader.position]
    return permitted(
        client, "MPUB", topic, "", lambda: _publish(client, topic, bodies, batch)
    )


def read_batch(
    reader: Reader, max_msg_size: int, max_body_size: int
) -> tuple[list[bytes], int]:
    """Read a count and so many messages; also return where the first one starts.

    Raises:
        ProtocolError: a message or the count is not valid.
        IncompleteError: not all of it has come.
    """
    bad = "E_BAD_BODY"
    count = reader.size(ProtocolError(bad, "MPUB failed to read message count"))
    if not 0 < count <= (max_body_size - 4) // 5:
        raise ProtocolError(bad, f"MPUB invalid message count {count}")
    start = reader.position
    return [_message(reader, it, max_msg_size) for it in range(count)], start


_CUT_OFF = ProtocolError("E_BAD_MESSAGE", "MPUB failed to read message body")


def _message(reader: Reader, number: int, most: int) -> bytes:
    data, at = reader.data, reader.position
    bad = "E_BAD_MESSAGE"
    if at + 4 > len(data):
        text = f"MPUB failed to read message({number}) body size"
        reader.size(ProtocolError(bad, text))
    size = int.from_bytes(data[at : at + 4], "big", signed=True)
    if size <= 0:
        raise ProtocolError(bad, f"MPUB invalid message({number}) body size {size}")
    if size > most:
        raise ProtocolError(bad, f"MPUB message too big {size} > {most}")
    reader.position = at + 4
    return reader.body(size, _CUT_OFF)
