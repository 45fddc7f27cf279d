"""Reads a journal back: which topics and channels there were, and their messages."""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from brokers.nsqd_stand_in import journal
from brokers.nsqd_stand_in.message import Message, message_id

_SIZE = struct.Struct(">i")
Messages = dict[bytes, Message]


class Kept:
    """What was known of one topic.

    Args:
        name: of the topic.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.paused = False
        self.waiting: Messages = {}
        self.channels: dict[str, Messages] = {}
        self.paused_channels: set[str] = set()

    def messages(self, channel: str) -> Messages:
        """Return those of a channel, or what waits when it is called ''."""
        return self.channels.get(channel, {}) if channel else self.waiting

    def flow(self) -> None:
        """Hand what waits to the channels, as topics do."""
        if self.channels and not self.paused:
            for messages in self.channels.values():
                messages |= {key: it.copy() for key, it in self.waiting.items()}
            self.waiting.clear()


class Replay:
    """The state after the last complete record.

    Args:
        path: of the journal; no file is an empty one.
    """

    def __init__(self, path: Path) -> None:
        self.topics: dict[str, Kept] = {}
        self.last = 0
        """The highest number that a message had."""
        self._apply: dict[bytes, Callable[[bytes], None]] = {
            journal.NOTE: self._note,
            journal.PUT: self._put,
            journal.FINISHED: self._finished,
            journal.REQUEUED: self._requeued,
            journal.KEPT: self._kept,
        }
        data = path.read_bytes() if path.exists() else b""
        for kind, payload in _records(data):
            self._apply[kind](payload)

    def _topic(self, name: str) -> Kept:
        return self.topics.setdefault(name, Kept(name))

    def _note(self, payload: bytes) -> None:
        what, name, channel = json.loads(payload)
        topic = self._topic(name)
        match what:
            case "channel":
                topic.channels.setdefault(channel, {})
            case "no channel":
                topic.channels.pop(channel, None)
            case "no topic":
                del self.topics[name]
            case "empty":
                topic.messages(channel).clear()
            case "pause" | "unpause" if channel:
                change = {"pause": set.add, "unpause": set.discard}[what]
                change(topic.paused_channels, channel)
            case "pause" | "unpause":
                topic.paused = what == "pause"
        topic.flow()

    def _put(self, payload: bytes) -> None:
        (name,), at = _names(payload, 1)
        number, timestamp = journal.FIRST.unpack_from(payload, at)
        at += journal.FIRST.size
        topic = self._topic(name)
        while at < len(payload):
            (size,) = _SIZE.unpack_from(payload, at)
            body = payload[at + 4 : at + 4 + size]
            at += 4 + size
            key = message_id(number)
            topic.waiting[key] = Message(key, timestamp, body)
            self.last = max(self.last, number)
            number += 1
        topic.flow()

    def _finished(self, payload: bytes) -> None:
        (name, channel), at = _names(payload, 2)
        messages = self._topic(name).messages(channel)
        for start in range(at, len(payload), 16):
            messages.pop(payload[start : start + 16], None)

    def _requeued(self, payload: bytes) -> None:
        (name, channel), at = _names(payload, 2)
        key, attempts = journal.ATTEMPTS.unpack_from(payload, at)
        messages = self._topic(name).messages(channel)
        message = messages.pop(key, None)
        if message is not None:
            message.attempts = attempts
            messages[key] = message

    def _kept(self, payload: bytes) -> None:
        (name, channel), at = _names(payload, 2)
        messages = self._topic(name).messages(channel)
        while at < len(payload):
            key, timestamp, attempts, size = journal.MESSAGE.unpack_from(payload, at)
            at += journal.MESSAGE.size
            body = payload[at : at + size]
            messages[key] = Message(key, timestamp, body, attempts)
            self.last = max(self.last, int(key, 16))
            at += size


def _names(payload: bytes, number: int) -> tuple[list[str], int]:
    """Return the names at the start, and where they end."""
    names, at = [], 0
    for _ in range(number):
        end = at + 1 + payload[at]
        names.append(payload[at + 1 : end].decode())
        at = end
    return names, at


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and payload of each; a last one that is cut off is left out."""
    at = 0
    while at + journal.HEAD.size <= len(data):
        kind, size = journal.HEAD.unpack_from(data, at)
        at += journal.HEAD.size
        if at + size <= len(data):
            yield kind, data[at : at + size]
        at += size
