"""Leases end here before they end at the server."""

from task_bus_nats import consumer as consumers

from task_core.api import Message


def test_what_was_long_on_its_way_has_its_lease_from_when_it_is_here(
    open_bus, topic, monkeypatch
):
    """As here, where it is reckoned from then; else others would get it before."""
    bus, written = open_bus(), []
    consumer = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"x")] * 3)
    send, seconds = bus._link.write, iter(range(9_999))

    def write(data):
        written.append(data)
        send(data)

    monkeypatch.setattr(bus._link, "write", write)
    monkeypatch.setattr(consumers, "monotonic", lambda: float(next(seconds)))
    came = consumer.receive(3, 0)
    bus.ping()
    renewals = b"".join(written).count(b"+WPI\r\n")
    assert (len(came), renewals) == (3, 3)
    written.clear()
    assert consumer.receive(3, 0) == ()
    assert b"+WPI" not in b"".join(written)
