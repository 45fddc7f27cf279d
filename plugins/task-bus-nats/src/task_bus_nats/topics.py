"""Topics and channels as streams and consumers: made, changed, counted, deleted.

A stream keeps what at least one of its consumers has not acknowledged. So that what is
sent before the first channel is kept, a keeper, a consumer that nobody reads, stands in
for it, from before anything can be sent until the first channel is there.
"""

import os
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

import attrs

from task_bus_nats.errors import ClashError, MissingError
from task_bus_nats.jetstream import JetStream, Record
from task_bus_nats.names import KEEPER, LATER, Names, Place
from task_bus_nats.options import NatsOptions
from task_core.api import UnsupportedCapabilityError

SECOND = 1_000_000_000
LAG = 0.25
"""Seconds, at most, by which a lease ends here before it ends at the server."""
WHILE = 10.0
"""Seconds in which two who delete the last channels at one moment see each other."""
MAKING = 5.0
"""Seconds that who makes a stream may take, before others take it for dead."""
PAUSE = 0.01
"""Seconds between two looks at a stream that others make."""
MOST_WAITING = 4096
"""So many readers may wait on a channel; a server's own default is 512."""


@attrs.define(eq=False)
class Channel:
    """What is wanted of a consumer.

    Args:
        topic, name: Which.
        lease: Seconds.
        life: Seconds that it outlives its last reader; 0: it stays.
    """

    topic: str
    name: str
    lease: float
    life: float = 0.0


class Topics:
    """Makes and deletes what topics need on the server.

    Args:
        server: Asks it.
        names: What things are called.
        options: See the manifest.
        known: Topics that are there, as far as we know.
        longest: Bytes that a message of them may have, where somebody has bounded that.
    """

    def __init__(self, server: JetStream, names: Names, options: NatsOptions) -> None:
        self._server = server
        self._names = names
        self._options = options
        self.known: set[str] = set()
        self.longest: dict[str, int] = {}
        self._late: dict[str, float] = {}  # topics that take delays; the clock's lead

    def ensure(self, topics: Iterable[str]) -> None:
        """Make streams that are missing.

        Raises:
            BusError: The server refuses.
        """
        for topic in topics:
            if topic not in self.known:
                made = self._make(self._names.place(topic))
                self.known.add(topic)
                if (most := made["config"].get("max_msg_size", -1)) >= 0:
                    self.longest[topic] = most

    def doubt(self, topics: Iterable[str]) -> None:
        """Look again whether these are there: somebody may have deleted them."""
        for topic in topics:
            self.known.discard(topic)
            self.longest.pop(topic, None)
            self._late.pop(topic, None)

    def _make(self, place: Place) -> Record:
        """Make a stream, or wait for who is making it at the same moment.

        Two must not change one: subjects that both of them add are served twice, and
        then all that is sent is there twice (seen with 2.15).
        """
        give_up = monotonic() + random.uniform(1, 2) * MAKING
        while (made := self._server.stream(place.stream)) is None:
            if made := self._create(place):
                return self._open(place, made)
        while made["config"]["subjects"] == _staging(place):
            if monotonic() > give_up:  # who began it has died
                return self._open(place, made)
            sleep(PAUSE)  # nothing tells when it is ready
            if (made := self._server.stream(place.stream)) is None:
                return self._make(place)  # somebody has deleted it
        return made

    def _create(self, place: Place) -> Record | None:
        """Make a stream to which nothing can be sent yet; nothing if others did."""
        config: Record = {
            "name": place.stream,
            "description": os.urandom(9).hex(),  # else two that make it both succeed
            "subjects": _staging(place),
            "retention": "interest",
            "storage": "file",
            "discard": "old",
            "num_replicas": self._options.replicas,
        }
        try:
            return self._server.change("CREATE", place.stream, config)
        except ClashError:
            if self._server.stream(place.stream) is None:
                raise
            return None

    def _open(self, place: Place, made: Record) -> Record:
        """Let a stream take messages, from now on kept by its keeper."""
        self._server.make_consumer(place.stream, KEEPER, deliver_policy="all")
        subjects = [place.subject, f"{place.later}.*"]
        made = self._update(made["config"], subjects=subjects, description="")
        if _lasting(self._consumers(place).values()):  # others were faster after all
            self._server.delete("CONSUMER", f"{place.stream}.{KEEPER}")
        return made

    def _update(self, config: Record, **changes: Any) -> Record:
        return self._server.change("UPDATE", config["name"], {**config, **changes})

    def lead(self, topic: str) -> float:
        """Let a topic take delayed messages; return how far the server's clock leads.

        Raises:
            UnsupportedCapabilityError: The server is too old.
        """
        if topic not in self._late:
            place = self._names.place(topic)
            made = self._make(place)
            config = made["config"]
            if not config.get("allow_msg_schedules"):
                subjects = [place.subject, f"{place.later}.*"]
                made = self._update(config, subjects=subjects, allow_msg_schedules=True)
            if not made["config"].get("allow_msg_schedules"):
                raise UnsupportedCapabilityError(
                    "bus 'nats': this server is too old for delays: take 2.12 or newer"
                )
            more = {"filter_subject": f"{place.later}.*", "deliver_policy": "all"}
            self._server.make_consumer(place.stream, LATER, **more)
            there = datetime.fromisoformat(made["ts"]) if "ts" in made else None
            here = datetime.now(UTC)
            self._late[topic] = ((there or here) - here).total_seconds()
        return self._late[topic]

    def open(self, channel: Channel) -> None:
        """Make a channel, or take over one; the first gets what was sent before it."""
        self.doubt([channel.topic])
        self.ensure([channel.topic])
        place = self._names.place(channel.topic)
        name = self._names.consumer(channel.name)
        found = self._consumers(place)
        if (there := found.get(name)) is None:
            first = not channel.life and not _lasting(found.values())
            self._server.make_consumer(
                place.stream,
                name,
                filter_subject=place.subject,
                deliver_policy="all" if first else "new",
                ack_wait=_ack_wait(channel),
                max_waiting=MOST_WAITING,
                **_life(channel),
            )
        else:
            self._fit(place, there, channel)
        if KEEPER in found and not channel.life:
            self._server.delete("CONSUMER", f"{place.stream}.{KEEPER}")

    def _fit(self, place: Place, there: Record, channel: Channel) -> None:
        """Give a channel our lease, unless somebody with a longer one may read it."""
        lease, before = _ack_wait(channel), there["config"]["ack_wait"]
        used = there.get("num_waiting") or there.get("num_ack_pending")
        if lease > before or (lease < before and not used):
            config = {**there["config"], "ack_wait": lease}
            self._server.make_consumer(place.stream, there["name"], **config)

    def close(self, topic: str, channel: str) -> None:
        """Delete a channel; when it was the last, what comes is kept for a first.

        The keeper is there before it goes: for good if it is the last, and else for a
        while, since somebody else may be about to delete the others.
        """
        place, name = self._names.place(topic), self._names.consumer(channel)
        found = self._consumers(place)
        if name not in found:
            return
        if name in _lasting(found.values()):
            is_last = len(_lasting(found.values())) == 1
            self._keep(place, found, 0.0 if is_last else WHILE)
            self._server.delete("CONSUMER", f"{place.stream}.{name}")
            if not is_last and not _lasting((left := self._consumers(place)).values()):
                self._keep(place, left, 0.0)
        else:
            self._server.delete("CONSUMER", f"{place.stream}.{name}")

    def _consumers(self, place: Place) -> dict[str, Record]:
        return {one["name"]: one for one in self._server.consumers(place.stream)}

    def _keep(self, place: Place, found: dict[str, Record], seconds: float) -> None:
        """Make the keeper of what comes, or let it stay for so long; 0: for good."""
        config: Record = {"deliver_policy": "new"}
        if there := found.get(KEEPER):
            config = there["config"]
            if not config.get("inactive_threshold"):
                return
        config |= {"inactive_threshold": round(seconds * SECOND)}
        self._server.make_consumer(place.stream, KEEPER, **config)

    def delete(self, topic: str) -> None:
        """Delete a topic with all that is on it."""
        self._server.delete("STREAM", self._names.place(topic).stream)
        self.doubt([topic])

    def names(self) -> list[str]:
        """Return the names of all topics, sorted."""
        found = map(self._names.topic, self._server.names(self._names.all))
        return sorted(topic for topic in found if topic)

    def counts(self, topic: str) -> dict[str, tuple[int, int]]:
        """Return for each channel what waits and what is held; '' is the keeper."""
        found = self._server.consumers(self._names.place(topic).stream)
        late = sum(one["num_pending"] for one in found if one["name"] == LATER)
        return {
            self._names.channel(one["name"]): (
                one["num_pending"] + (0 if one["name"] == KEEPER else late),
                one["num_ack_pending"],
            )
            for one in found
            if one["name"] != LATER
        }

    def look(self, topic: str, limit: int) -> list[bytes]:
        """Return the oldest messages of a topic."""
        place, found, at = self._names.place(topic), list[bytes](), 1
        while len(found) < limit:
            request = {"seq": at, "next_by_subj": place.subject}
            try:
                answer = self._server.call(f"STREAM.MSG.GET.{place.stream}", request)
            except MissingError:
                break
            found.append(self._server.body(answer))
            at = answer["message"]["seq"] + 1
        return found


def _staging(place: Place) -> list[str]:
    """Return the subjects of a stream to which nothing can be sent yet."""
    return [f"{place.later}.staging"]


def _lasting(found: Iterable[Record]) -> set[str]:
    """Return the consumers that are channels, and do not go with their readers."""
    return {
        one["name"]
        for one in found
        if one["name"] not in {KEEPER, LATER}
        and not one["config"].get("inactive_threshold")
    }


def lag_of(lease: float) -> float:
    """Return by how many seconds the server's lease is longer than this one."""
    return min(lease / 20, LAG)


def _ack_wait(channel: Channel) -> int:
    """Return the server's lease: we reckon from when a message is here, it before."""
    return round((channel.lease + lag_of(channel.lease)) * SECOND)


def _life(channel: Channel) -> Record:
    life = round(channel.life * SECOND)
    return {"inactive_threshold": life} if life else {}
