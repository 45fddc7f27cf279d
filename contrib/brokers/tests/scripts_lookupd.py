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
    "a command that there is not": said(b"FOO\n"),
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
        ("open", "a"),
        ("say", "a", b"IDENTIFY\n" + body(ABOUT), 1),
        ("say", "a", b"REGISTER made c\n", 1),
        ("GET", "/ping"),
        ("GET", "/nothing"),
        ("GET", "/lookup"),
        ("GET", "/channels"),
        ("GET", "/channels?topic=nowhere"),
        ("POST", "/channel/delete?topic=made"),
        ("POST", "/channel/delete?topic=made&channel=c*"),
        ("POST", "/channel/delete?topic=made&channel=none"),
        ("POST", "/channel/delete?topic=made&channel=c"),
        ("GET", "/lookup?topic=made"),
        ("POST", "/topic/delete"),
        ("POST", "/topic/delete?topic=made"),
        ("GET", "/lookup?topic=made"),
    ],
}
