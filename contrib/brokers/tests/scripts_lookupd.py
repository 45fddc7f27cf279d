"""Conversations with nsqlookupd."""

from brokers.tests.raw import body
from brokers.tests.steps import (
    said,
)

ABOUT = (
    b'{"broadcast_address":"nsqd.test","hostname":"test","tcp_port":4150,'
    b'"http_port":4151,"version":"1.3.0"}'
)
LOOKUPD = {
    "a protocol that there is not": [("open", "a", b"  V2"), ("end", "a")],
    "commands refused": said(
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
