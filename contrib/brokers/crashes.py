"""Rules of buses over a broker that crashes, hangs, or loses its connections.

A bus takes them as a class of its own, beside fixtures `own`, a broker that may be
killed, and `bus_at`, which opens a bus at a broker or a proxy:

    class TestCrashes(CrashRules, LostRules):
        patience = "connect_timeout", 0.5
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from brokers.insist import again, receive_all, until
from brokers.process import Broker
from brokers.proxy import Proxy
from brokers.server import Server
from task_core.api import (
    Bus,
    BusConnectionError,
    LeaseLostError,
    Message,
    SendError,
)

COUNT, BATCH, STOPS = 2000, 50, 3
OpenAt = Callable[..., Bus]


def lost_over_stops(
    server: Broker, open_bus: Callable[[], Bus], topic: str, stops: int = STOPS
) -> set[bytes]:
    """Stop a server while somebody sends, start it; return what was confirmed and lost.

    Args:
        server: Is asked to end, and ends as it likes to.
        open_bus: Opens a bus at it.
        topic: To send to.
        stops: How often it is stopped.
    """
    consumer = open_bus().subscribe(topic, "c")
    with sending(open_bus(), topic) as confirmed:
        for _ in range(stops):
            confirmed_more(confirmed)
            server.restart()
        confirmed_more(confirmed)
    return set(confirmed) - set(receive_all(consumer, len(confirmed)))


@contextmanager
def sending(bus: Bus, topic: str) -> Iterator[list[bytes]]:
    """Let a thread send batch after batch; the list is what is confirmed."""
    confirmed: list[bytes] = []
    ends = threading.Event()

    def send() -> None:
        producer = bus.producer()
        while not ends.is_set():
            numbers = range(len(confirmed), len(confirmed) + BATCH)
            batch = [Message(topic, b"%d" % number) for number in numbers]
            again(partial(producer.send, batch))
            confirmed.extend(one.body for one in batch)
        bus.close()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield confirmed
    finally:
        ends.set()
        sender.join()


def confirmed_more(confirmed: Sequence[bytes]) -> None:
    """Return when some more batches are confirmed."""
    wanted = len(confirmed) + 5 * BATCH
    until(lambda: len(confirmed) >= wanted)


class CrashRules:
    """What was confirmed outlives the server, what is held outlives a connection."""

    forgets_acks = False
    """Whether a crash of the server may bring back what was settled just before."""
    patience: tuple[str, float] = ("connect_timeout", 3.0)
    """The option that says how long an answer may take, and seconds."""
    waits = 0.1
    """Seconds of a receive that must find out that the server hangs."""

    def test_what_was_confirmed_survives_a_kill_of_the_server(
        self, own: Server, open_at: OpenAt, topic: str
    ) -> None:
        """Each message, in its order; and what was settled does not come again."""
        bus = open_at(own, lease=30.0)
        consumer, producer = bus.subscribe(topic, "c"), bus.producer()
        bodies = [b"%04d" % number for number in range(COUNT)]
        for at in range(0, COUNT, BATCH):
            producer.send([Message(topic, body) for body in bodies[at : at + BATCH]])
        held = consumer.receive(BATCH, 5)
        consumer.settle(held, [Message("done", b"x")])
        own.kill()
        own.start()
        left = bodies[len(held) :]
        found = receive_all(consumer, len(left))
        if self.forgets_acks:
            assert set(left) <= set(found) <= set(bodies)
        else:
            assert found == left

    def test_what_is_confirmed_while_the_server_stops_is_kept(
        self, own: Server, open_at: OpenAt, topic: str
    ) -> None:
        """It ends in some order, and goes on confirming for a while."""
        lost = lost_over_stops(own, lambda: open_at(own, lease=30.0), topic)
        assert lost == set()

    def test_what_is_held_can_be_settled_over_a_new_connection(
        self, own: Server, open_at: OpenAt, topic: str
    ) -> None:
        """A connection that is cut costs no duplicate."""
        with Proxy(own.address) as proxy:
            bus = open_at(proxy)
            consumer, producer = bus.subscribe(topic, "c"), bus.producer()
            producer.send([Message(topic, b"a"), Message(topic, b"b")])
            held = consumer.receive(1, 5)
            proxy.cut()
            done = [Message("done", b"a")]
            with pytest.raises((BusConnectionError, SendError)):
                consumer.settle(held, done)
            again(lambda: consumer.settle(held, done))
            assert receive_all(consumer, 1) == [b"b"]

    def test_a_server_that_hangs_is_given_up(
        self, own: Server, open_at: OpenAt, topic: str
    ) -> None:
        """The next receive is not misled by an answer that comes late."""
        option, seconds = self.patience
        bus = open_at(own, **{option: timedelta(seconds=seconds)})
        consumer = bus.subscribe(topic, "c")
        consumer.receive(1, 0.1)
        own.pause()
        try:
            with pytest.raises(BusConnectionError, match=r"answer\w* in time"):
                consumer.receive(1, self.waits)
        finally:
            own.resume()
        open_at(own).producer().send([Message(topic, b"a")])
        assert receive_all(consumer, 1) == [b"a"]

    def test_what_was_given_back_is_told_apart_from_what_was_lost(
        self, own: Server, open_at: OpenAt, topic: str
    ) -> None:
        """With a delay or without, and over both."""
        bus = open_at(own, lease=0.5)
        consumer = bus.subscribe(topic, "c")
        bus.producer().send([Message(topic, b"a")])
        counts = []
        for delay in (0, 0.05, None, 0, None, None):
            (held,) = consumer.receive(1, 10)
            counts.append((held.attempt, held.returned))
            if delay is not None:
                consumer.nack([held], delay=delay)
        assert counts == [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)]

    def test_a_server_that_hung_up_meanwhile_is_connected_to_anew(
        self, own: Server, open_at: OpenAt, topic: str
    ) -> None:
        """Idle connections are closed by many servers, and by what is in between."""
        with Proxy(own.address) as proxy:
            bus: Any = open_at(proxy)
            producer = bus.producer()
            producer.send([Message(topic, b"a")])
            proxy.cut()
            bus._link._used_at -= 2  # as after so many seconds
            producer.send([Message(topic, b"b")])
            found = bus.subscribe(topic, "c").receive(9, 5)
            assert [one.body for one in found] == [b"a", b"b"]


class LostRules:
    """For buses whose broker knows who holds what."""

    def test_what_was_held_on_a_deleted_channel_is_lost_and_no_fault(
        self, own: Server, open_at: OpenAt, topic: str
    ) -> None:
        """Its done task is not sent: the task was taken away."""
        bus = open_at(own)
        consumer = bus.subscribe(topic, "c")
        bus.producer().send([Message(topic, b"a")])
        held = consumer.receive(1, 5)
        bus.forget(topic)
        with pytest.raises(LeaseLostError):
            consumer.settle(held, [Message(topic, b"done")])
        assert not consumer.receive(1, 0.1)
