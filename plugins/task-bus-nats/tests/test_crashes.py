"""What was confirmed outlives the server, and what is held outlives a connection."""

import pytest
from brokers.crashes import CrashRules
from brokers.nats import Nats
from brokers.proxy import Proxy

from task_core.api import BusConnectionError, LeaseLostError, Message


@pytest.fixture(scope="module")
def own(start):
    """A server that this module may kill."""
    return start(Nats)


class TestCrashes(CrashRules):
    forgets_acks = True
    patience = "connect_timeout", 0.5


def test_another_server_is_taken_when_one_is_gone(own, open_at, start, topic):
    """Of those that are named."""
    other = start(Nats)
    host = f"{own.address},{other.address}"
    bus = open_at(own, host=host)
    bus.ping()
    own.stop()
    with pytest.raises(BusConnectionError):
        bus.ping()
    bus.ping()
    assert bus._link.address == other.address
    own.start()


def test_what_a_killed_reader_held_is_back_within_its_lease(own, open_at, topic):
    """Whoever waits gets it as soon as it is free."""
    with Proxy(own.address) as proxy:
        dying, heir = open_at(proxy, lease=1.0), open_at(own, lease=1.0)
        heir.producer().send([Message(topic, b"a")])
        first = dying.subscribe(topic, "c")
        (held,) = first.receive(1, 5)
        proxy.cut()
        (again,) = heir.subscribe(topic, "c").receive(1, 10)
        assert (again.body, again.attempt, again.returned) == (b"a", 2, 0)
        with pytest.raises(LeaseLostError):
            first.ack([held])
