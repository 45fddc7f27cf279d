"""Rules about trouble: nobody there, a refused login, a broker that goes away."""

import functools
import traceback
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest

from task_core.api import (
    Bus,
    BusConnectionError,
    BusError,
    LeaseLostError,
    Message,
    SendError,
)
from task_testing.contract.environment import Environment, bodies
from task_testing.contract.kit import needs


class Outages:
    """Errors are job of the interface, and a lost connection is no end."""

    def test_an_address_where_nobody_is_gives_a_connection_error(
        self, env: Environment
    ) -> None:
        """Soon, and it shows the address, whatever is tried."""
        options, address = env.backdoor.unreachable()
        for use in (_write, _read, _ping):
            start = monotonic()
            with pytest.raises(BusConnectionError) as caught:
                use(env.open(options=options))
            assert monotonic() - start < env.patience
            assert address in str(caught.value)
            assert "\n" not in str(caught.value)

    def test_a_refused_login_is_told_without_its_secret(self, env: Environment) -> None:
        """It is no connection error: trying again does not help.

        Nor does the traceback show it, with all that led to the error (`--debug`).
        """
        options, secret = env.backdoor.refused()
        for use in (_write, _read):
            with pytest.raises(BusError) as caught:
                use(env.open(options=options))
            assert not isinstance(caught.value, BusConnectionError)
            told = "".join(traceback.format_exception(caught.value))
            assert secret not in told
            assert secret not in repr(options)

    @needs("durable")
    def test_what_was_confirmed_survives_a_restart(self, env: Environment) -> None:
        """Of the broker where there is one; of all buses in any case."""
        topic = env.topic()
        env.send(topic, b"1", b"2")
        env.close()
        _restart(env)
        consumer = env.consumer(topic)
        assert sorted(bodies(env.receive(consumer, 2))) == [b"1", b"2"]

    @needs("ack", "durable")
    def test_a_consumer_goes_on_after_a_restart(self, env: Environment) -> None:
        """Nothing is lost: what it held is settled, or comes again."""
        topic, consumer = env.filled(b"1", b"2", b"3")
        held = env.receive(consumer)
        env.backdoor.stop()
        env.backdoor.start()
        settled = env.settle_if_held(consumer, held)
        found = set(bodies(held)) if settled else set()
        while len(found) < 3:
            came = env.receive_after_outage(consumer, 3)
            assert came, f"only {sorted(found)} came after the restart"
            if env.settle_if_held(consumer, came):
                found.update(bodies(came))
        env.backdoor.put(topic, [b"4"])
        while b"4" not in bodies(last := env.receive_after_outage(consumer, 1)):
            assert last, "nothing comes after the restart"
            env.settle_if_held(consumer, last)

    @needs("durable")
    def test_a_producer_goes_on_after_a_restart(self, env: Environment) -> None:
        """While the broker is away it says so; afterwards the same one sends."""
        topic = env.backdoor.topic()
        producer = env.bus.producer()
        producer.send([Message(topic, b"before")])
        env.backdoor.stop()
        with pytest.raises((BusConnectionError, SendError)) as caught:
            producer.send([Message(topic, b"lost")])
        assert not isinstance(caught.value, SendError) or caught.value.transient
        env.backdoor.start()
        env.persist(lambda: producer.send([Message(topic, b"after")]))
        sent = env.backdoor.take(topic)
        assert {b"before", b"after"} <= set(sent) <= {b"before", b"after", b"lost"}
        assert sent.count(b"before") == 1

    @needs("ack", "durable")
    def test_a_settle_that_the_broker_did_not_confirm_can_be_repeated(
        self, env: Environment
    ) -> None:
        """Then the task is done; that it comes again is allowed."""
        _, consumer = env.filled(b"1")
        done = env.backdoor.topic()
        env.bus_of(consumer).prepare([done])
        held = env.receive(consumer)
        env.backdoor.stop()
        with pytest.raises((BusConnectionError, SendError, LeaseLostError)):
            consumer.settle(held, [Message(done, b"a")])
        env.backdoor.start()
        _settle_for_good(env, consumer, held, done)
        assert set(env.backdoor.take(done)) == {b"a"}

    def test_a_restart_does_not_hinder_closing(self, env: Environment) -> None:
        """A launcher that stops while the broker is away ends, and soon."""
        _, consumer = env.filled(b"1")
        env.receive(consumer)
        env.backdoor.stop()
        start = monotonic()
        try:
            consumer.close()
            env.bus_of(consumer).close()
            assert monotonic() - start < env.patience
        finally:
            env.backdoor.start()


def _settle_for_good(
    env: Environment, consumer: Any, held: Sequence[Any], done: str
) -> None:
    """Settle, receiving again what was lost, as the launcher does."""
    for _ in range(5):
        try:
            settle = functools.partial(consumer.settle, held, [Message(done, b"a")])
            env.persist(settle)
        except LeaseLostError:
            held = env.receive_after_outage(consumer, 1)
            assert bodies(held) == [b"1"], "it was lost, and did not come again"
        else:
            return
    pytest.fail("the delivery was lost again and again")


def _restart(env: Environment) -> None:
    try:
        env.backdoor.stop()
    except pytest.skip.Exception:  # no broker: the files are all there is
        return
    env.backdoor.start()


def _write(bus: Bus) -> None:
    producer = bus.producer()
    producer.prepare(["kit"])
    producer.send([Message("kit", b"1")])


def _read(bus: Bus) -> None:
    bus.subscribe("kit", "kit").receive(1, 0.1)


def _ping(bus: Bus) -> None:
    bus.ping()
