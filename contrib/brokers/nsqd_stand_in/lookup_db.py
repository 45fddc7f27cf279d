"""What nsqlookupd knows: who has which topics and channels."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

Key = tuple[str, str, str]
"""A category (`client`, `topic`, `channel`), a topic and a channel."""
CLIENT: Key = ("client", "", "")


class Peer:
    """One nsqd that has told about itself.

    Args:
        remote: where it is connected from.
        fields: of its IDENTIFY.
    """

    def __init__(self, remote: str, fields: dict[str, Any]) -> None:
        self.remote = remote
        self.fields = fields
        self.seen = time.monotonic()

    def about(self) -> dict[str, Any]:
        """Return how it is reached."""
        return {
            "remote_address": self.remote,
            "hostname": self.fields.get("hostname", ""),
            "broadcast_address": self.fields["broadcast_address"],
            "tcp_port": self.fields["tcp_port"],
            "http_port": self.fields["http_port"],
            "version": self.fields["version"],
        }

    @property
    def node(self) -> str:
        """Its name in calls: `host:port` of its HTTP."""
        return f"{self.fields['broadcast_address']}:{self.fields['http_port']}"


class Producer:
    """A peer that has a topic or channel.

    Args:
        peer: that has it.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._tombstone: float | None = None

    def bury(self) -> None:
        """Hide it for a while."""
        self._tombstone = time.monotonic()

    def buried(self, seconds: float) -> bool:
        """Whether it was hidden less than so many seconds ago."""
        told = self._tombstone
        return told is not None and time.monotonic() - told < seconds


class Registrations:
    """Producers by what they have; a key stays when its last one goes."""

    def __init__(self) -> None:
        self._known: dict[Key, dict[Peer, Producer]] = {}

    def add(self, key: Key, peer: Peer | None = None) -> None:
        """Note that something is known, and who has it."""
        producers = self._known.setdefault(key, {})
        if peer is not None:
            producers.setdefault(peer, Producer(peer))

    def drop(self, key: Key, peer: Peer) -> bool:
        """Note that a peer has it no longer; return whether nobody has."""
        producers = self._known.get(key, {})
        producers.pop(peer, None)
        return not producers

    def forget(self, key: Key) -> None:
        """Drop what is known."""
        self._known.pop(key, None)

    def forget_peer(self, peer: Peer) -> None:
        """Note that a peer has nothing any more."""
        for producers in self._known.values():
            producers.pop(peer, None)

    def find(self, category: str, topic: str, channel: str) -> list[Key]:
        """Return what matches; `*` matches everything."""
        return [
            key
            for key in self._known
            if category == key[0]
            and topic in {"*", key[1]}
            and channel in {"*", key[2]}
        ]

    def producers(self, key: Key) -> list[Producer]:
        """Return who has it."""
        return list(self._known.get(key, {}).values())

    def topics_of(self, peer: Peer) -> Iterator[tuple[str, Producer]]:
        """Yield the topics of a peer."""
        for key, producers in self._known.items():
            if key[0] == "topic" and peer in producers:
                yield key[1], producers[peer]


def active(
    producers: Iterable[Producer], silent: float, hidden: float
) -> list[Producer]:
    """Return those that were heard of and are not hidden.

    Args:
        producers: to choose from.
        silent: seconds after which one that is not heard of counts no longer.
        hidden: seconds for which one is hidden.
    """
    now = time.monotonic()
    return [
        it for it in producers if now - it.peer.seen <= silent and not it.buried(hidden)
    ]
