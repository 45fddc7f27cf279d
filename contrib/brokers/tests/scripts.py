"""All conversations, by the server that they are had with."""

from brokers.tests.raw import batch, body, identify
from brokers.tests.scripts_consuming import CONSUMING
from brokers.tests.scripts_http import HTTP
from brokers.tests.scripts_lookupd import LOOKUPD
from brokers.tests.scripts_producing import PRODUCING
from brokers.tests.steps import (
    PUB,
    said,
)

TLS = {
    "nothing without tls": [
        *said(b"SUB t c\n", b"PUB t\n" + body(PUB), b"NOP\n", b"FOO\n"),
        ("open", "a"),
        ("say", "a", identify(), 1),
        ("last", "a", b"PUB t\n" + body(PUB)),
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
        *said(b"SUB t c\n", b"PUB t\n" + body(PUB), b"DPUB t 0\n" + body(PUB)),
        *said(b"MPUB t\n" + batch(PUB)),
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

PROFILES = {
    "small": {**PRODUCING, **CONSUMING, **HTTP},
    "tls": TLS,
    "auth": AUTH,
    "lookupd": LOOKUPD,
}
