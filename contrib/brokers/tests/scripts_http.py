"""Conversations by HTTP."""

from brokers.tests.raw import batch, body
from brokers.tests.steps import (
    one_in_flight,
    subscribed,
)

BRIEF = "format=json&include_clients=false&include_mem=false"
HTTP = {
    "stats": [
        ("GET", f"/stats?{BRIEF}&topic=nowhere"),
        *one_in_flight("stats"),
        ("say", "a", b"PUB stats\n" + body(b"two"), 1),
        ("say", "a", b"REQ %1 10000\n", 1),
        ("GET", f"/stats?{BRIEF}&topic=stats"),
        ("GET", f"/stats?{BRIEF}&topic=stats&channel=c"),
        ("GET", f"/stats?{BRIEF}&topic=stats&channel=none"),
    ],
    "http: what is asked": [
        ("GET", "/ping"),
        ("GET", "/nothing"),
    ],
    "http: pub": [
        ("POST", "/pub?topic=http-pub", b"hello"),
        ("POST", "/pub?topic=http-pub", b""),
        ("POST", "/pub?topic=http-pub", b"x" * 101),
        ("POST", "/pub", b"hello"),
        ("POST", "/pub?topic=to$pic", b"hello"),
        *subscribed("http-pub"),
        ("say", "a", b"RDY 5\n", 1),
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
        *subscribed("http-mpub"),
        ("say", "a", b"RDY 10\n", 6),
    ],
    "http: topics": [
        ("POST", "/topic/create?topic=http-topic"),
        ("POST", "/topic/create?topic=http-topic"),
        ("POST", "/topic/create"),
        ("POST", "/topic/create?topic=to$pic"),
        ("POST", "/pub?topic=http-topic", b"hello"),
        ("GET", f"/stats?{BRIEF}&topic=http-topic"),
        ("POST", "/topic/delete"),
        ("POST", "/topic/delete?topic=nowhere"),
        ("POST", "/topic/delete?topic=http-topic"),
        ("GET", f"/stats?{BRIEF}&topic=http-topic"),
    ],
    "http: channels": [
        ("POST", "/channel/create?topic=http-channel&channel=c"),
        ("POST", "/topic/create?topic=http-channel"),
        ("POST", "/channel/create?topic=http-channel&channel=c"),
        ("POST", "/channel/create?topic=http-channel&channel=c"),
        *(
            ("POST", f"/channel/{what}{query}")
            for what in ("create", "delete")
            for query in (
                "",
                "?topic=http-channel",
                "?channel=c",
                "?topic=nowhere&channel=c",
                "?topic=to$pic&channel=c",
                "?topic=http-channel&channel=c*",
            )
        ),
        ("POST", "/channel/delete?topic=http-channel&channel=none"),
        ("POST", "/channel/delete?topic=http-channel&channel=c"),
        ("GET", f"/stats?{BRIEF}&topic=http-channel"),
    ],
    "a deleted channel closes its clients": [
        *subscribed("deleted"),
        ("POST", "/channel/delete?topic=deleted&channel=c"),
        ("end", "a", 0),
    ],
    "a deleted topic closes its clients": [
        *subscribed("deleted-too"),
        ("POST", "/topic/delete?topic=deleted-too"),
        ("end", "a", 0),
    ],
}
