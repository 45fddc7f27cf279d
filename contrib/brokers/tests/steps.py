"""Steps of conversations with a server: what is sent, and how many answers come.

Each step is a tuple: who, what, and for commands the number of frames that follow.
`open a` connects, `say a` sends, `last a` sends what ends the connection, `cut a` sends
and then tells that no more will come, `tls a` goes on in TLS, `GET` and `POST` ask by
HTTP. `%1` in a command stands for the id of the first message that came, and so on.
A conversation that goes on to its end says goodbye by a command that does not exist.
"""

import struct

from brokers.tests.raw import body, identify

LONG = b"n" * 65
NEGATIVE = struct.pack(">i", -1)
PUB = b"hello"


def said(*commands):
    """Each command in a connection of its own, that it ends."""
    steps = []
    for number, command in enumerate(commands):
        steps += [("open", f"c{number}"), ("last", f"c{number}", command)]
    return steps


def cut(*commands):
    """Each command in a connection of its own, cut off."""
    steps = []
    for number, command in enumerate(commands):
        steps += [("open", f"c{number}"), ("cut", f"c{number}", command)]
    return steps


def identified(**fields):
    return [("open", "a"), ("say", "a", identify(**fields), 1)]


def subscribed(topic, *, who="a", channel="c", ready=None):
    steps = [
        ("open", who),
        ("say", who, identify(output_buffer_size=-1), 1),
        ("say", who, f"SUB {topic} {channel}\n".encode(), 1),
    ]
    return steps + ([("say", who, b"RDY %d\n" % ready, 0)] if ready else [])


def one_in_flight(topic):
    return [
        *subscribed(topic),
        ("say", "a", f"PUB {topic}\n".encode() + body(b"one"), 1),
        ("say", "a", b"RDY 1\n", 1),
    ]
