"""Conversations: who one is, and what one publishes."""

import struct

from brokers.tests.raw import batch, body, identify
from brokers.tests.steps import (
    LONG,
    NEGATIVE,
    PUB,
    cut,
    identified,
    said,
    subscribed,
)

PRODUCING = {
    "a protocol that there is not": [("open", "a", b"  V3"), ("end", "a")],
    "commands that there are not": said(
        b"FOO\n", b"pub t\n", b"\n", b"  V2\n", b"\xff\xfe x\n", b"FOO bar\r\n"
    ),
    "identify without negotiation": [
        ("open", "a"),
        ("say", "a", b"IDENTIFY\n" + body(b"{}"), 1),
        ("say", "a", b"IDENTIFY\n" + body(b'{"client_id":"b"}'), 1),
        ("say", "a", b"IDENTIFY\n" + body(b"null"), 1),
    ],
    "identify with negotiation": identified(),
    "identify with everything": identified(
        heartbeat_interval=2000,
        output_buffer_size=1024,
        output_buffer_timeout=100,
        msg_timeout=5000,
        tls_v1=True,
    ),
    "identify without buffer or heartbeat": identified(
        heartbeat_interval=-1, output_buffer_size=-1
    ),
    "identify by names in capitals": [
        ("open", "a"),
        ("say", "a", b"IDENTIFY\n" + body(b'{"Feature_Negotiation":true}'), 1),
    ],
    "identify out of range": said(
        identify(heartbeat_interval=999),
        identify(heartbeat_interval=60_001),
        identify(heartbeat_interval=-2),
        identify(output_buffer_size=63),
        identify(output_buffer_size=65_537),
        identify(output_buffer_timeout=1),
        identify(output_buffer_timeout=30_001),
        identify(msg_timeout=999),
        identify(msg_timeout=20_001),
    ),
    "identify that is none": said(
        b"IDENTIFY\n" + body(b"no json"),
        b"IDENTIFY\n" + body(b"[]"),
        identify(msg_timeout="1s"),
        identify(tls_v1=1),
        b"IDENTIFY\n" + body(b""),
        b"IDENTIFY\n" + NEGATIVE,
        b"IDENTIFY\n" + struct.pack(">i", 301),
    ),
    "identify cut off": cut(b"IDENTIFY\n\0\0", b"IDENTIFY\n" + body(b"{}")[:-1]),
    "identify after sub": [
        *subscribed("identify-after-sub"),
        ("last", "a", identify()),
    ],
    "auth where nobody asks for it": said(
        b"AUTH\n" + body(b"secret"),
        b"AUTH now\n" + body(b"secret"),
        b"AUTH\n" + body(b""),
        b"AUTH\n" + struct.pack(">i", 301),
    ),
    "auth cut off": cut(b"AUTH\n\0", b"AUTH\n" + body(b"secret")[:-1]),
    "auth after sub": [*subscribed("auth-after-sub"), ("last", "a", b"AUTH\n")],
    "sub refused": said(
        b"SUB\n",
        b"SUB topic\n",
        b"SUB to/pic c\n",
        b"SUB topic ch*nnel\n",
        b"SUB " + LONG + b" c\n",
        b"SUB topic " + LONG + b"\n",
        b"SUB  c\n",
        b"SUB topic#ephemera c\n",
        "SUB töpic c\n".encode(),
    ),
    "sub without heartbeats": [
        *identified(heartbeat_interval=-1),
        ("last", "a", b"SUB t c\n"),
    ],
    "sub twice": [*subscribed("sub-twice"), ("last", "a", b"SUB sub-twice c\n")],
    "sub after a carriage return": [
        ("open", "a"),
        ("say", "a", b"SUB sub-cr c\r\n", 1),
    ],
    "pub": [
        ("open", "a"),
        ("say", "a", b"PUB pub\n" + body(b"x"), 1),
        ("say", "a", b"PUB pub and more\n" + body(b"x" * 100), 1),
        ("say", "a", b"PUB pub\r\n" + body(b"\0\xff\n"), 1),
        ("say", "a", b"PUB p\n" + body(b"1") + b"PUB p\n" + body(b"2") + b"NOP\n", 2),
    ],
    "pub refused": said(
        b"PUB\n",
        b"PUB to$pic\n" + body(PUB),
        b"PUB " + LONG + b"\n" + body(PUB),
        b"PUB t\n" + body(b""),
        b"PUB t\n" + NEGATIVE,
        b"PUB t\n" + struct.pack(">i", 101),
    ),
    "pub cut off": cut(b"PUB t\n\0\0", b"PUB t\n" + body(PUB)[:-1], b"PUB t\n"),
    "mpub": [
        ("open", "a"),
        ("say", "a", b"MPUB mpub\n" + batch(b"one", b"two", b"three"), 1),
        ("say", "a", b"MPUB mpub\n" + batch(b"one"), 1),
    ],
    "mpub refused": said(
        b"MPUB\n",
        b"MPUB to$pic\n" + batch(PUB),
        b"MPUB t\n" + body(b""),
        b"MPUB t\n" + NEGATIVE,
        b"MPUB t\n" + struct.pack(">i", 301),
        b"MPUB t\n" + batch(),
        b"MPUB t\n" + body(NEGATIVE),
        b"MPUB t\n" + body(struct.pack(">i", 60)),
        b"MPUB t\n" + batch(b"one", b""),
        b"MPUB t\n" + batch(b"one", b"x" * 101),
        b"MPUB t\n" + body(struct.pack(">i", 1) + NEGATIVE),
    ),
    "mpub cut off": cut(
        b"MPUB t\n\0",
        b"MPUB t\n" + struct.pack(">i", 20),
        b"MPUB t\n" + batch(b"one", b"two")[:12],
        b"MPUB t\n" + batch(b"one", b"two")[:-1],
        b"MPUB t\n" + batch(b"one", b"two")[:17],
    ),
    "mpub that tells another size": [
        ("open", "a"),
        ("say", "a", b"MPUB odd\n" + b"\0\0\0\5" + batch(b"one", b"two")[4:], 1),
    ],
    "dpub": [
        ("open", "a"),
        ("say", "a", b"DPUB dpub 0\n" + body(PUB), 1),
        ("say", "a", b"DPUB dpub 10000\n" + body(PUB), 1),
        ("say", "a", b"DPUB dpub \n" + body(PUB), 1),
    ],
    "dpub refused": said(
        b"DPUB t\n",
        b"DPUB to$pic 1\n" + body(PUB),
        b"DPUB t x\n" + body(PUB),
        b"DPUB t -1\n" + body(PUB),
        b"DPUB t 10001\n" + body(PUB),
        b"DPUB t 1\n" + body(b""),
        b"DPUB t 1\n" + struct.pack(">i", 101),
    ),
    "dpub cut off": cut(b"DPUB t 1\n\0\0", b"DPUB t 1\n" + body(PUB)[:-1]),
}
