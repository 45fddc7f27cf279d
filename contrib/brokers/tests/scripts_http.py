"""Conversations by HTTP."""

from brokers.tests.raw import batch, body
from brokers.tests.steps import (
    one_in_flight,
    subscribed,
)

HTTP = {
    "stats": [
        ("GET", "/stats?format=json&topic=nowhere"),
        ("GET", "/stats?format=json&topic=nowhere&include_clients=false"),
        *one_in_flight("stats"),
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
        *subscribed("http-pub"),
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
        *subscribed("http-mpub"),
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
        *subscribed("deleted"),
        ("POST", "/channel/delete?topic=deleted&channel=c"),
        ("end", "a", 0),
    ],
    "a deleted topic closes its clients": [
        *subscribed("deleted-too"),
        ("POST", "/topic/delete?topic=deleted-too"),
        ("end", "a", 0),
    ],
    "a paused channel holds back": [
        *subscribed("paused"),
        ("POST", "/channel/pause?topic=paused&channel=c"),
        ("say", "a", b"RDY 5\n", 0),
        ("say", "a", b"PUB paused\n" + body(b"1"), 1),
        ("POST", "/channel/unpause?topic=paused&channel=c"),
        ("say", "a", b"NOP\n", 1),
    ],
    "a paused topic holds back": [
        *subscribed("paused-topic"),
        ("POST", "/topic/pause?topic=paused-topic"),
        ("say", "a", b"RDY 5\n", 0),
        ("say", "a", b"PUB paused-topic\n" + body(b"1"), 1),
        ("POST", "/topic/unpause?topic=paused-topic"),
        ("say", "a", b"NOP\n", 1),
    ],
}
