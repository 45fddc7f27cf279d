"""Rules of `task_core.client.reading`: a loop goes on while there is work."""

import threading
from itertools import islice

import pytest

from task_core.client.client import Client
from task_core.dead import decode_dead
from task_core.errors import BusConnectionError, BusError, SendError

LONG = 60
AWAY = BusConnectionError("nobody answers at :1")


def infos(tasks, count=None):
    return [task.info for task in islice(tasks, count)]


@pytest.fixture
def reader(watch):
    """Return a client of which `act` hears what its readers do."""
    clients = []

    def reader(act, **capabilities):
        def open_bus():
            act("open")
            return watch(act, **capabilities)

        clients.append(Client(open_bus, "done", "watched"))
        return clients[-1]

    yield reader
    for client in clients:
        client.close()


@pytest.mark.parametrize("timeout", [LONG, None])
@pytest.mark.parametrize("step", ["open", "receive", "settle"])
@pytest.mark.parametrize("error", [AWAY, SendError("locked", transient=True)])
def test_a_loop_bears_with_a_connection_that_is_lost(
    client, reader, fail_first, step, error, timeout
):
    """At the start, while it waits, and when it settles."""
    client.send("load", "a")
    client.send("load", "b")
    reading = reader(fail_first(step, error, error)).read(
        "load", channel="c", timeout=timeout
    )
    assert infos(reading, 2) == ["a", "b"]
    reading.close()
    rest = client.read("load", channel="c", timeout=0)
    assert infos(rest) == ["b"]  # was not left, and comes again


@pytest.mark.parametrize("step", ["open", "receive", "settle"])
def test_a_loop_gives_up_a_broker_that_stays_away_in_its_time(client, reader, step):
    """After it has tried for as long."""
    tries = []

    def away(what):
        if what == step:
            tries.append(what)
            raise AWAY

    client.send("load", "a")
    with pytest.raises(BusConnectionError, match="nobody answers at :1"):
        infos(reader(away).read("load", channel="c", timeout=0.5))
    assert len(tries) > 1


@pytest.mark.parametrize("step", ["open", "receive", "settle"])
def test_another_error_ends_a_loop(client, reader, fail_first, step):
    """To try again would not help."""
    client.send("load", "a")
    act = fail_first(step, BusError("not allowed"))
    with pytest.raises(BusError, match="not allowed"):
        infos(reader(act).read("load", channel="c", timeout=LONG))


@pytest.mark.parametrize("step", ["open", "receive", "settle"])
def test_a_loop_that_is_stopped_ends_in_an_outage_too(client, reader, step):
    """At once, and it is no error."""
    tried = threading.Event()

    def away(what):
        if what == step:
            tried.set()
            raise AWAY

    client.send("load", "a")
    reading = reader(away).read("load", channel="c", timeout="1h")
    loop = threading.Thread(target=infos, args=(reading,))
    loop.start()
    assert tried.wait(LONG)
    reading.stop()
    loop.join(LONG)
    assert not loop.is_alive()


def test_a_bus_that_cannot_be_closed_is_no_trouble(client, reader, fail_first):
    """All that was done is settled."""
    client.send("load", "a")
    act = fail_first("close", BusConnectionError("away at the end"))
    assert infos(reader(act).read("load", channel="c", timeout=0)) == ["a"]
    assert infos(client.read("load", channel="c", timeout=0)) == []


@pytest.mark.parametrize(
    ("size", "kept"), [(100, 100), (3_000, 1_024), (90_000, 65_536), (900, 0)]
)
def test_a_dead_letter_is_cut_to_what_the_bus_carries(bus, client, reader, size, kept):
    """What is behind it is read."""
    from task_core.api import Message

    bus.producer().send([Message("load", b"\xff" * size)])
    client.send("load", "good")
    limit = 1000 if size == 900 else kept * 4 // 3 + 500
    reading = reader(lambda _: None, max_bytes=limit)
    assert infos(reading.read("load", channel="c", timeout=0)) == ["good"]
    (delivery,) = bus.subscribe("load.dead", "look").receive(9, 0)
    letter = decode_dead(delivery.body)
    assert (len(letter.original), bool(letter.rest)) == (kept, kept < size)
