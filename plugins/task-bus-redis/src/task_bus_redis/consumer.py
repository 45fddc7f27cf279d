"""Reads one channel: takes, settles, gives back, and waits in the server."""

import json
import os
from collections.abc import Sequence
from time import monotonic
from typing import Any

from task_bus_redis.errors import ChannelMissingError
from task_bus_redis.keys import Keys
from task_bus_redis.link import Link
from task_bus_redis.producer import not_sent, words_of
from task_bus_redis.scripts import script
from task_core.api import (
    Bus,
    BusError,
    Consumer,
    Delivery,
    Event,
    LeaseLostError,
    Message,
)

SLACK = 1.0
"""Seconds by which a server may answer a waiting read too late."""
SHORT = 0.5
"""Waits of fewer seconds are ended from here: a server looks ten times a second."""
AGAIN = 0.05
"""Seconds after which a read that goes on is ended once more."""
SHORTEST_LIFE = 15.0
"""Seconds that a temporary channel outlives a reader that was killed, at least."""
SILENCE = 24 * 3600.0
"""Seconds after which a reader that holds nothing, and asks for nothing, is dead."""


class RedisConsumer(Consumer):
    """Reads one channel over a connection of its own.

    Its name in the group begins with its lease: whoever finds a message that is held
    knows by that how long its holder may be silent.

    Args:
        bus, topic, channel: As for every consumer.
        keys: The names of keys.
        link: The connection that waits.
        control: The connection that ends the wait, and sends.
        is_temporary: Whether the channel goes with its reader.
    """

    knows_lost = True

    def __init__(
        self,
        bus: Bus,
        topic: str,
        channel: str,
        keys: Keys,
        link: Link,
        control: Link,
        *,
        is_temporary: bool,
    ) -> None:
        super().__init__(bus, topic, channel)
        self._registry = keys.registry
        self._keys = keys
        self._base = keys.base(topic)
        self._stream = f"{self._base}:tasks:{channel}"
        self._bell = f"{self._base}:bell:{channel}"
        self._link = link
        self._control = control
        self._lease = round(bus.lease * 1000)
        self._life = 0
        if is_temporary:
            self._life = round(max(SHORTEST_LIFE, 2 * bus.lease) * 1000)
        self._me = f"{self._lease}:{os.urandom(9).hex()}"
        self._look_at = 0.0  # when to look for what is late or due
        self._heard: list[bytes] = []  # bells to be removed
        self._busy = False  # there may be more of what came last: do not wait

    def begin(self) -> None:
        """Make the channel; the first one of a topic gets what was sent before."""
        ends = self._life or "inf"
        self._run("subscribe", self._lease, ends, round(SILENCE * 1000))
        self._look_at = 0.0

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        if not self._link.connected:
            self.begin()
        if monotonic() >= self._look_at and (found := self._take(limit)):
            return found
        found = self._read(limit, 0) if self._busy else []
        if not found:
            found = self._read(limit, min(timeout, self._look_at - monotonic()))
        self._busy = bool(found)
        return found

    def _take(self, limit: int) -> list[Delivery]:
        """Take what is due or was held too long, then what is new."""
        heard, self._heard = self._heard, []
        words: tuple[Any, ...] = (self._me, limit, self._life, *heard)
        try:
            entries, wait = self._run("take", *words)
        except ChannelMissingError:
            self.begin()
            entries, wait = self._run("take", *words)
        self._look_at = monotonic() + wait / 1000
        return [
            Delivery(body, at, int(n), _headers(headers), int(returned), position=at)
            for at, n, body, headers, returned in entries
        ]

    def _read(self, limit: int, seconds: float) -> list[Delivery]:
        """Read what is new; the server waits for it."""
        block = ("BLOCK", max(1, round(seconds * 1000))) if seconds > 0.001 else ()
        streams = ("STREAMS", self._stream, self._bell, ">", ">")
        group = ("XREADGROUP", "GROUP", "task", self._me, "COUNT", limit)
        self._link.ask(*group, *block, *streams)
        if block:
            self._wait(seconds + (SLACK if seconds > SHORT else 0.0))
        try:
            answer = self._link.answer()
        except ChannelMissingError:  # deleted meanwhile, or its stream has expired
            self.begin()
            return []
        return self._deliveries(answer or [])

    def _wait(self, seconds: float) -> None:
        """Wait for the answer; if none comes, or `wake` is called, ask for it."""
        try:
            event = self._waker.wait(seconds, self._link.fileno())
            end = monotonic() + SLACK
            # That may overtake the read that it is to end, and then ends nothing.
            while event is not Event.READY and monotonic() < end:
                self._control.call("CLIENT", "UNBLOCK", self._link.id)
                event = self._waker.wait(AGAIN, self._link.fileno())
        except BaseException:  # an answer is on its way to nobody
            self._link.drop()
            raise

    def _deliveries(self, answer: list[Any]) -> list[Delivery]:
        found = []
        for stream, entries in answer:
            if stream == self._bell.encode():
                self._heard += [at for at, _ in entries]
                self._look_at = 0.0
                continue
            found += [_delivery(at, fields) for at, fields in entries]
        return found

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Send and acknowledge in one script: both happen or neither."""
        self._link.connect()
        ids = [delivery.token for delivery in deliveries]
        words = words_of(messages, self._keys)
        try:
            lost = self._run("settle", self._me, len(ids), *ids, *words)
        except (BusError, UnicodeError) as error:
            raise (not_sent(error, messages) if messages else error) from None
        self._refuse(lost, deliveries)

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        self._settle(deliveries, ())

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        ids = [delivery.token for delivery in deliveries]
        self._run("nack", self._me, round(delay * 1000), *ids)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        ids = [delivery.token for delivery in deliveries]
        self._refuse(self._run("extend", self._me, *ids), deliveries)

    def _refuse(self, lost: Sequence[int], deliveries: Sequence[Delivery]) -> None:
        if lost:
            raise LeaseLostError(
                f"bus 'redis': {len(lost)} of {len(deliveries)} deliveries of topic"
                f" '{self.topic}' went to others; nothing was done",
                [deliveries[at] for at in lost],
            )

    def _close(self) -> None:
        """Give back what is held, and forget this consumer."""
        try:
            if self._life:
                self._run("forget")
            else:
                self._run("leave", self._me)
        except BusError:
            pass  # the leases end by themselves, and a temporary channel as well
        self._link.drop()

    def _run(self, name: str, *words: Any) -> Any:
        """Run a script on this channel."""
        return self._link.run(
            script(name), self._registry, self._base, self.channel, *words
        )


def _delivery(id: bytes, fields: list[bytes]) -> Delivery:
    """Return the first receipt of an entry, or that of a copy."""
    if len(fields) == 2:
        return Delivery(fields[1], id, position=id)
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    receipts, returned = int(values.get(b"a", 0)), int(values.get(b"r", 0))
    headers = _headers(values.get(b"h"))
    return Delivery(values[b"b"], id, 1 + receipts, headers, returned, position=id)


def _headers(text: bytes | None) -> dict[str, str] | None:
    return json.loads(text) if text else None
