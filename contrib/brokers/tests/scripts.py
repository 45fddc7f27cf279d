"""Conversations with a server: what is sent, and how many answers come.

Each step is a tuple: who, what, and for commands the number of frames that follow.
`open a` connects, `say a` sends, `last a` sends what ends the connection, `cut a` sends
and then tells that no more will come, `tls a` goes on in TLS, `GET` and `POST` ask by
HTTP. `%1` in a command stands for the id of the first message that came, and so on.
A conversation that goes on to its end says goodbye by a command that does not exist.
"""

import struct

from brokers.tests.raw import batch, body, identify

LONG = b"n" * 65
NEGATIVE = struct.pack(">i", -1)
PUB = b"hello"


def _said(*commands):
    """Each command in a connection of its own, that it ends."""
    steps = []
    for number, command in enumerate(commands):
        steps += [("open", f"c{number}"), ("last", f"c{number}", command)]
    return steps


def _cut(*commands):
    """Each command in a connection of its own, cut off."""
    steps = []
    for number, command in enumerate(commands):
        steps += [("open", f"c{number}"), ("cut", f"c{number}", command)]
    return steps


def _identified(**fields):
    return [("open", "a"), ("say", "a", identify(**fields), 1)]


def _subscribed(topic, *, who="a", channel="c", ready=None):
    steps = [
        ("open", who),
        ("say", who, identify(output_buffer_size=-1), 1),
        ("say", who, f"SUB {topic} {channel}\n".encode(), 1),
    ]
    return steps + ([("say", who, b"RDY %d\n" % ready, 0)] if ready else [])


def _one_in_flight(topic):
    return [
        *_subscribed(topic),
        ("say", "a", f"PUB {topic}\n".encode() + body(b"one"), 1),
        ("say", "a", b"RDY 1\n", 1),
    ]


SMALL = {
    "a protocol that there is not": [("open", "a", b"  V3"), ("end", "a")],
    "commands that there are not": _said(
        b"FOO\n", b"pub t\n", b"\n", b"  V2\n", b"\xff\xfe x\n", b"FOO bar\r\n"
    ),
    "identify without negotiation": [
        ("open", "a"),
        ("say", "a", b"IDENTIFY\n" + body(b"{}"), 1),
        ("say", "a", b"IDENTIFY\n" + body(b'{"client_id":"b"}'), 1),
        ("say", "a", b"IDENTIFY\n" + body(b"null"), 1),
    ],
    "identify with negotiation": _identified(),
    "identify with everything": _identified(
        heartbeat_interval=2000,
        output_buffer_size=1024,
        output_buffer_timeout=100,
        msg_timeout=5000,
        sample_rate=50,
        user_agent="raw/1",
        tls_v1=True,
        deflate_level=3,
    ),
    "identify without buffer or heartbeat": _identified(
        heartbeat_interval=-1, output_buffer_size=-1
    ),
    "identify by names in capitals": [
        ("open", "a"),
        ("say", "a", b"IDENTIFY\n" + body(b'{"Feature_Negotiation":true}'), 1),
    ],
    "identify out of range": _said(
        identify(heartbeat_interval=999),
        identify(heartbeat_interval=60_001),
        identify(heartbeat_interval=-2),
        identify(output_buffer_size=63),
        identify(output_buffer_size=65_537),
        identify(output_buffer_timeout=1),
        identify(output_buffer_timeout=30_001),
        identify(sample_rate=100),
        identify(sample_rate=-1),
        identify(msg_timeout=999),
        identify(msg_timeout=20_001),
        identify(deflate=True, snappy=True),
    ),
    "identify that is none": _said(
        b"IDENTIFY\n" + body(b"no json"),
        b"IDENTIFY\n" + body(b"[]"),
        identify(msg_timeout="1s"),
        identify(deflate=1),
        b"IDENTIFY\n" + body(b""),
        b"IDENTIFY\n" + NEGATIVE,
        b"IDENTIFY\n" + struct.pack(">i", 301),
    ),
    "identify cut off": _cut(b"IDENTIFY\n\0\0", b"IDENTIFY\n" + body(b"{}")[:-1]),
    "identify after sub": [
        *_subscribed("identify-after-sub"),
        ("last", "a", identify()),
    ],
    "auth where nobody asks for it": _said(
        b"AUTH\n" + body(b"secret"),
        b"AUTH now\n" + body(b"secret"),
        b"AUTH\n" + body(b""),
        b"AUTH\n" + struct.pack(">i", 301),
    ),
    "auth cut off": _cut(b"AUTH\n\0", b"AUTH\n" + body(b"secret")[:-1]),
    "auth after sub": [*_subscribed("auth-after-sub"), ("last", "a", b"AUTH\n")],
    "sub refused": _said(
        b"SUB\n",
        b"SUB topic\n",
        b"SUB to/pic c\n",
        b"SUB topic ch*nnel\n",
        b"SUB " + LONG + b" c\n",
        b"SUB topic " + LONG + b"\n",
        b'SUB \xff\x01"\\ c\n',
        b"SUB  c\n",
        b"SUB topic#ephemera c\n",
        "SUB töpic c\n".encode(),
    ),
    "sub without heartbeats": [
        *_identified(heartbeat_interval=-1),
        ("last", "a", b"SUB t c\n"),
    ],
    "sub twice": [*_subscribed("sub-twice"), ("last", "a", b"SUB sub-twice c\n")],
    "sub after a carriage return": [
        ("open", "a"),
        ("say", "a", b"SUB sub-cr c\r\n", 1),
    ],
    "sub of one too many": [
        *_subscribed("sub-many"),
        *_subscribed("sub-many", who="b"),
        ("open", "c"),
        ("last", "c", b"SUB sub-many c\n"),
    ],
    "pub": [
        ("open", "a"),
        ("say", "a", b"PUB pub\n" + body(b"x"), 1),
        ("say", "a", b"PUB pub and more\n" + body(b"x" * 100), 1),
        ("say", "a", b"PUB pub\r\n" + body(b"\0\xff\n"), 1),
        ("say", "a", b"PUB p\n" + body(b"1") + b"PUB p\n" + body(b"2") + b"NOP\n", 2),
    ],
    "pub refused": _said(
        b"PUB\n",
        b"PUB to$pic\n" + body(PUB),
        b"PUB " + LONG + b"\n" + body(PUB),
        b"PUB t\n" + body(b""),
        b"PUB t\n" + NEGATIVE,
        b"PUB t\n" + struct.pack(">i", 101),
    ),
    "pub cut off": _cut(b"PUB t\n\0\0", b"PUB t\n" + body(PUB)[:-1], b"PUB t\n"),
    "mpub": [
        ("open", "a"),
        ("say", "a", b"MPUB mpub\n" + batch(b"one", b"two", b"three"), 1),
        ("say", "a", b"MPUB mpub\n" + batch(b"one"), 1),
    ],
    "mpub refused": _said(
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
    "mpub cut off": _cut(
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
    "dpub refused": _said(
        b"DPUB t\n",
        b"DPUB to$pic 1\n" + body(PUB),
        b"DPUB t x\n" + body(PUB),
        b"DPUB t -1\n" + body(PUB),
        b"DPUB t 10001\n" + body(PUB),
        b"DPUB t 1\n" + body(b""),
        b"DPUB t 1\n" + struct.pack(">i", 101),
    ),
    "dpub cut off": _cut(b"DPUB t 1\n\0\0", b"DPUB t 1\n" + body(PUB)[:-1]),
    "rdy refused": [
        *_said(b"RDY 1\n"),
        *_subscribed("rdy-word"),
        ("last", "a", b"RDY x\n"),
        *_subscribed("rdy-negative", who="b"),
        ("last", "b", b"RDY -1\n"),
        *_subscribed("rdy-big", who="d"),
        ("last", "d", b"RDY 11\n"),
    ],
    "rdy without a number is one": [
        *_subscribed("rdy-one"),
        ("say", "a", b"MPUB rdy-one\n" + batch(b"1", b"2"), 1),
        ("say", "a", b"RDY\n", 1),
    ],
    "rdy is the most in flight": [
        *_subscribed("rdy-most"),
        ("say", "a", b"MPUB rdy-most\n" + batch(b"1", b"2", b"3", b"4", b"5"), 1),
        ("say", "a", b"RDY 2\n", 2),
        ("say", "a", b"FIN %1\n", 1),
        ("say", "a", b"RDY 1\n", 0),
        ("say", "a", b"FIN %2\n", 0),
        ("say", "a", b"FIN %3\n", 1),
        ("say", "a", b"RDY 10\n", 1),
    ],
    "fin refused": [
        *_said(b"FIN 0123456789abcdef\n", b"FIN\n"),
        *_subscribed("fin-none"),
        ("last", "a", b"FIN\n"),
        *_subscribed("fin-short", who="b"),
        ("last", "b", b"FIN 0123\n"),
        *_subscribed("fin-unknown", who="d"),
        ("say", "d", b"FIN 0123456789abcdef\n", 1),
        ("say", "d", b"FIN \xff\xfe23456789abcdef\n", 1),
    ],
    "fin twice": [
        *_one_in_flight("fin-twice"),
        ("say", "a", b"FIN %1\n", 0),
        ("say", "a", b"FIN %1\n", 1),
    ],
    "fin, req and touch of another's message": [
        *_one_in_flight("of-another"),
        *_subscribed("of-another", who="b"),
        ("say", "b", b"FIN %1\n", 1),
        ("say", "b", b"REQ %1 0\n", 1),
        ("say", "b", b"TOUCH %1\n", 1),
        ("say", "a", b"TOUCH %1\n", 0),
        ("say", "a", b"FIN %1\n", 0),
    ],
    "req": [
        *_one_in_flight("req"),
        ("say", "a", b"REQ %1 0\n", 1),
        ("say", "a", b"REQ %1 \n", 1),
        ("say", "a", b"REQ %1 99999999\n", 0),
        ("say", "a", b"REQ %1 0\n", 1),
    ],
    "req refused": [
        *_said(b"REQ 0123456789abcdef 0\n"),
        *_subscribed("req-none"),
        ("last", "a", b"REQ 0123456789abcdef\n"),
        *_subscribed("req-short", who="b"),
        ("last", "b", b"REQ 0123 0\n"),
        *_subscribed("req-word", who="d"),
        ("last", "d", b"REQ 0123456789abcdef x\n"),
        *_subscribed("req-negative", who="e"),
        ("last", "e", b"REQ 0123456789abcdef -1\n"),
    ],
    "touch refused": [
        *_said(b"TOUCH 0123456789abcdef\n"),
        *_subscribed("touch-none"),
        ("last", "a", b"TOUCH\n"),
        *_subscribed("touch-short", who="b"),
        ("last", "b", b"TOUCH 0123\n"),
        *_subscribed("touch-unknown", who="d"),
        ("say", "d", b"TOUCH 0123456789abcdef\n", 1),
    ],
    "cls": [
        *_one_in_flight("cls"),
        ("say", "a", b"PUB cls\n" + body(b"two"), 1),
        ("say", "a", b"CLS\n", 1),
        ("say", "a", b"RDY 5\n", 0),
        ("say", "a", b"TOUCH %1\n", 0),
        ("say", "a", b"FIN %1\n", 0),
        ("say", "a", b"PUB cls\n" + body(b"three"), 1),
    ],
    "cls refused": [
        *_said(b"CLS\n"),
        *_subscribed("cls-twice"),
        ("say", "a", b"CLS\n", 1),
        ("last", "a", b"CLS\n"),
        *_subscribed("cls-sub", who="b"),
        ("say", "b", b"CLS\n", 1),
        ("last", "b", b"SUB cls-sub c\n"),
    ],
    "the first channel gets the backlog, the second what follows": [
        ("open", "p"),
        ("say", "p", b"MPUB backlog\n" + batch(b"1", b"2"), 1),
        *_subscribed("backlog", channel="first"),
        ("say", "a", b"RDY 5\n", 2),
        *_subscribed("backlog", who="b", channel="second", ready=5),
        ("say", "p", b"PUB backlog\n" + body(b"3"), 1),
        ("say", "a", b"NOP\n", 1),
        ("say", "b", b"NOP\n", 1),
    ],
    "stats": [
        ("GET", "/stats?format=json&topic=nowhere"),
        ("GET", "/stats?format=json&topic=nowhere&include_clients=false"),
        *_one_in_flight("stats"),
        ("say", "a", b"PUB stats\n" + body(b"two"), 1),
        ("say", "a", b"REQ %1 10000\n", 1),
        ("GET", "/stats?format=json&topic=stats"),
        ("GET", "/stats?format=json&topic=stats&channel=c&include_mem=false"),
        ("GET", "/stats?format=json&topic=stats&channel=none"),
        ("GET", "/stats?format=json&topic=stats&include_clients=false&include_mem=0"),
        ("POST", "/channel/empty?topic=stats&channel=c"),
        ("GET", "/stats?format=json&topic=stats&include_clients=0&include_mem=0"),
    ],
    "stats of who publishes": [
        ("open", "p"),
        ("say", "p", b"MPUB stats-pub\n" + batch(b"one", b"two"), 1),
        ("GET", "/stats?format=json&topic=stats-pub"),
        ("GET", "/stats?format=json&topic=stats-other"),
    ],
    "http: what is asked": [
        ("GET", "/ping"),
        ("GET", "/info"),
        ("GET", "/nothing"),
        ("GET", "/pub?topic=t"),
        ("POST", "/ping"),
    ],
    "http: pub": [
        ("POST", "/pub?topic=http-pub", b"hello"),
        ("POST", "/pub?topic=http-pub", b""),
        ("POST", "/pub?topic=http-pub", b"x" * 101),
        ("POST", "/pub", b"hello"),
        ("POST", "/pub?topic=to$pic", b"hello"),
        ("POST", "/pub?topic=http-pub&defer=x", b"hello"),
        ("POST", "/pub?topic=http-pub&defer=-1", b"hello"),
        ("POST", "/pub?topic=http-pub&defer=10001", b"hello"),
        ("POST", "/pub?topic=http-pub&defer=0", b"hello"),
        *_subscribed("http-pub"),
        ("say", "a", b"RDY 5\n", 2),
    ],
    "http: mpub": [
        ("POST", "/mpub?topic=http-mpub", b"one\n\ntwo"),
        ("POST", "/mpub?topic=http-mpub&binary=true", batch(b"th\nree", b"four")[4:]),
        ("POST", "/mpub?topic=http-mpub&binary=x", batch(b"five")[4:]),
        ("POST", "/mpub?topic=http-mpub&binary=false", b"six\n"),
        ("POST", "/mpub?topic=http-mpub", b""),
        ("POST", "/mpub?topic=http-mpub", b"x" * 101),
        ("POST", "/mpub?topic=http-mpub", b"x\n" * 151),
        ("POST", "/mpub", b"one"),
        ("POST", "/mpub?topic=to$pic", b"one"),
        ("POST", "/mpub?topic=http-mpub&binary=1", b""),
        ("POST", "/mpub?topic=http-mpub&binary=1", batch(b"", b"x")[4:]),
        ("POST", "/mpub?topic=http-mpub&binary=1", batch(b"one", b"two")[4:-1]),
        *_subscribed("http-mpub"),
        ("say", "a", b"RDY 10\n", 6),
    ],
    "http: topics": [
        ("POST", "/topic/create?topic=http-topic"),
        ("POST", "/topic/create?topic=http-topic"),
        ("POST", "/topic/create"),
        ("POST", "/topic/create?topic=to$pic"),
        ("POST", "/topic/pause?topic=http-topic"),
        ("GET", "/stats?format=json&topic=http-topic&include_mem=false"),
        ("POST", "/topic/unpause?topic=http-topic"),
        ("POST", "/pub?topic=http-topic", b"hello"),
        ("POST", "/topic/empty?topic=http-topic"),
        ("GET", "/stats?format=json&topic=http-topic&include_mem=false"),
        *(
            ("POST", f"/topic/{what}{query}")
            for what in ("pause", "unpause", "empty", "delete")
            for query in ("", "?topic=nowhere", "?topic=to$pic")
        ),
        ("POST", "/topic/delete?topic=http-topic"),
        ("GET", "/stats?format=json&topic=http-topic&include_mem=false"),
    ],
    "http: channels": [
        ("POST", "/channel/create?topic=http-channel&channel=c"),
        ("POST", "/topic/create?topic=http-channel"),
        ("POST", "/channel/create?topic=http-channel&channel=c"),
        ("POST", "/channel/create?topic=http-channel&channel=c"),
        ("POST", "/channel/pause?topic=http-channel&channel=c"),
        ("GET", "/stats?format=json&topic=http-channel&include_mem=false"),
        ("POST", "/channel/unpause?topic=http-channel&channel=c"),
        ("POST", "/channel/empty?topic=http-channel&channel=c"),
        *(
            ("POST", f"/channel/{what}{query}")
            for what in ("create", "pause", "unpause", "empty", "delete")
            for query in (
                "",
                "?topic=http-channel",
                "?channel=c",
                "?topic=nowhere&channel=c",
                "?topic=to$pic&channel=c",
                "?topic=http-channel&channel=c*",
            )
        ),
        *(
            ("POST", f"/channel/{what}?topic=http-channel&channel=none")
            for what in ("pause", "unpause", "empty", "delete")
        ),
        ("POST", "/channel/delete?topic=http-channel&channel=c"),
        ("GET", "/stats?format=json&topic=http-channel&include_mem=false"),
    ],
    "a deleted channel closes its clients": [
        *_subscribed("deleted"),
        ("POST", "/channel/delete?topic=deleted&channel=c"),
        ("end", "a", 0),
    ],
    "a deleted topic closes its clients": [
        *_subscribed("deleted-too"),
        ("POST", "/topic/delete?topic=deleted-too"),
        ("end", "a", 0),
    ],
    "a paused channel holds back": [
        *_subscribed("paused"),
        ("POST", "/channel/pause?topic=paused&channel=c"),
        ("say", "a", b"RDY 5\n", 0),
        ("say", "a", b"PUB paused\n" + body(b"1"), 1),
        ("POST", "/channel/unpause?topic=paused&channel=c"),
        ("say", "a", b"NOP\n", 1),
    ],
    "a paused topic holds back": [
        *_subscribed("paused-topic"),
        ("POST", "/topic/pause?topic=paused-topic"),
        ("say", "a", b"RDY 5\n", 0),
        ("say", "a", b"PUB paused-topic\n" + body(b"1"), 1),
        ("POST", "/topic/unpause?topic=paused-topic"),
        ("say", "a", b"NOP\n", 1),
    ],
}

TLS = {
    "nothing without tls": [
        *_said(b"SUB t c\n", b"PUB t\n" + body(PUB), b"NOP\n", b"FOO\n"),
        ("open", "a"),
        ("say", "a", identify(), 1),
        ("last", "a", b"PUB t\n" + body(PUB)),
        ("GET", "/ping"),
        ("GET", "/stats?format=json"),
    ],
    "all with tls": [
        ("open", "a"),
        ("say", "a", identify(tls_v1=True), 1),
        ("tls", "a"),
        ("say", "a", b"PUB tls\n" + body(PUB), 1),
        ("say", "a", b"SUB tls c\n", 1),
        ("say", "a", b"RDY 1\n", 1),
    ],
}

AUTH = {
    "nothing without auth": [
        *_said(b"SUB t c\n", b"PUB t\n" + body(PUB), b"DPUB t 0\n" + body(PUB)),
        *_said(b"MPUB t\n" + batch(PUB)),
    ],
    "a wrong secret": [
        ("open", "a"),
        ("say", "a", identify(), 1),
        ("last", "a", b"AUTH\n" + body(b"wrong")),
    ],
    "the right secret": [
        ("open", "a"),
        ("say", "a", identify(), 1),
        ("say", "a", b"AUTH\n" + body(b"s3cret"), 1),
        ("say", "a", b"PUB auth\n" + body(PUB), 1),
        ("say", "a", b"MPUB auth\n" + batch(PUB, PUB), 1),
        ("say", "a", b"SUB auth c\n", 1),
        ("say", "a", b"RDY 1\n", 1),
    ],
    "auth twice": [
        ("open", "a"),
        ("say", "a", b"AUTH\n" + body(b"s3cret"), 1),
        ("last", "a", b"AUTH\n" + body(b"s3cret")),
    ],
}

ABOUT = (
    b'{"broadcast_address":"nsqd.test","hostname":"test","tcp_port":4150,'
    b'"http_port":4151,"version":"1.3.0"}'
)
LOOKUPD = {
    "a protocol that there is not": [("open", "a", b"  V2"), ("end", "a")],
    "commands refused": _said(
        b"FOO\n",
        b"\n",
        b"REGISTER t\n",
        b"UNREGISTER t\n",
        b"IDENTIFY\n" + body(b"no json"),
        b"IDENTIFY\n" + body(b"{}"),
        b"IDENTIFY\n" + body(ABOUT.replace(b"4150", b'"x"')),
    ),
    "names refused": [
        step
        for number, line in enumerate(
            (b"REGISTER", b"REGISTER to$pic", b"UNREGISTER t c*", b"UNREGISTER")
        )
        for step in (
            ("open", f"n{number}"),
            ("say", f"n{number}", b"IDENTIFY\n" + body(ABOUT), 1),
            ("last", f"n{number}", line + b"\n"),
        )
    ],
    "identify twice": [
        ("open", "a"),
        ("say", "a", b"PING\n", 1),
        ("say", "a", b"IDENTIFY\n" + body(ABOUT), 1),
        ("last", "a", b"IDENTIFY\n" + body(ABOUT)),
    ],
    "register and look up": [
        ("GET", "/topics"),
        ("GET", "/nodes"),
        ("GET", "/lookup?topic=t"),
        ("open", "a"),
        ("say", "a", b"IDENTIFY\n" + body(ABOUT), 1),
        ("GET", "/nodes"),
        ("say", "a", b"REGISTER t\n", 1),
        ("GET", "/lookup?topic=t"),
        ("say", "a", b"REGISTER t c\n", 1),
        ("say", "a", b"PING\n", 1),
        ("GET", "/lookup?topic=t"),
        ("GET", "/channels?topic=t"),
        ("GET", "/topics"),
        ("GET", "/nodes"),
        ("POST", "/topic/tombstone?topic=t&node=nsqd.test:4151"),
        ("GET", "/lookup?topic=t"),
        ("GET", "/nodes"),
        ("say", "a", b"UNREGISTER t c\n", 1),
        ("GET", "/channels?topic=t"),
        ("say", "a", b"UNREGISTER t\n", 1),
        ("GET", "/lookup?topic=t"),
        ("GET", "/nodes"),
        ("POST", "/topic/delete?topic=t"),
        ("GET", "/topics"),
    ],
    "ephemeral ones are forgotten": [
        ("open", "a"),
        ("say", "a", b"IDENTIFY\n" + body(ABOUT), 1),
        ("say", "a", b"REGISTER e#ephemeral c#ephemeral\n", 1),
        ("GET", "/lookup?topic=e%23ephemeral"),
        ("say", "a", b"UNREGISTER e#ephemeral c#ephemeral\n", 1),
        ("GET", "/lookup?topic=e%23ephemeral"),
        ("say", "a", b"UNREGISTER e#ephemeral\n", 1),
        ("GET", "/lookup?topic=e%23ephemeral"),
    ],
    "http": [
        ("GET", "/ping"),
        ("GET", "/info"),
        ("GET", "/nothing"),
        ("POST", "/lookup"),
        ("GET", "/lookup"),
        ("GET", "/channels"),
        ("GET", "/channels?topic=nowhere"),
        ("POST", "/topic/create"),
        ("POST", "/topic/create?topic=to$pic"),
        ("POST", "/topic/create?topic=made"),
        ("GET", "/lookup?topic=made"),
        ("POST", "/channel/create?topic=made"),
        ("POST", "/channel/create?topic=made&channel=c*"),
        ("POST", "/channel/create?topic=made&channel=c"),
        ("GET", "/lookup?topic=made"),
        ("POST", "/channel/delete?topic=made&channel=none"),
        ("POST", "/channel/delete?topic=made&channel=c"),
        ("POST", "/topic/tombstone"),
        ("POST", "/topic/tombstone?topic=made"),
        ("POST", "/topic/delete"),
        ("POST", "/topic/delete?topic=made"),
        ("GET", "/lookup?topic=made"),
    ],
}

PROFILES = {"small": SMALL, "tls": TLS, "auth": AUTH, "lookupd": LOOKUPD}
"""Conversations by the server that they are had with."""
