"""Signs of life: an nsqd hears them, whatever the caller does meanwhile."""

import time
from datetime import timedelta

import pytest
from nsq_backdoor import NsqBackdoor

SECOND = timedelta(seconds=1)


@pytest.fixture(params=["plain", "tls"])
def hold(request, nsqd, guarded, auth, certificate, buses):
    """Hold one message over a connection of that kind; with door and topic."""

    def hold():
        broker, more = nsqd, {}
        if request.param == "tls":
            broker = guarded
            more = {"tls": True, "tls_ca": certificate.certificate}
            more["auth_secret"] = auth.secret
        door = NsqBackdoor(broker)
        topic = door.topic()
        door.put(topic, [b"1"])
        bus = buses(30.0, nsqd=(broker.tcp,), heartbeat=SECOND, **more)
        consumer = bus.subscribe(topic, "c")
        return door, topic, consumer, consumer.receive(1, 5)

    return hold


def test_signs_of_life_are_given_while_nobody_uses_the_bus(hold):
    """As while every slot is busy, or in the body of a taskmaster."""
    door, topic, consumer, held = hold()
    time.sleep(3.5)  # nsqd hangs up after two heartbeats
    before = door.channel(topic, "c")
    assert (before["client_count"], before["in_flight_count"]) == (1, 1)
    consumer.ack(held)
    assert not consumer.receive(1, 0.2)
    after = door.channel(topic, "c")
    assert (after["client_count"], after["in_flight_count"], after["depth"]) == (
        1,
        0,
        0,
    )


def test_a_connection_serves_on_after_a_long_silence_of_its_user(hold):
    door, topic, consumer, held = hold()
    time.sleep(3.5)
    door.put(topic, [b"2"])
    assert [it.body for it in consumer.receive(1, 5)] == [b"2"]
    consumer.extend(held)
    assert door.channel(topic, "c")["client_count"] == 1


def test_a_task_longer_than_two_heartbeats_runs_once(nsqd, task):
    """With a lease that asks for no renewal meanwhile."""
    door = NsqBackdoor(nsqd)
    topic, done = door.topic(), door.topic()
    door.put(topic, [b'{"type":"nop","info":"1"}'])
    launcher = task(
        *("launch", "--worker", "nop", "--worker-dur", "4s", "--lease", "30s"),
        *("--topic", topic, "--channel", "c", "--done-topic", done, "--drain"),
        bus=f"nsq://{nsqd.tcp}?http={nsqd.http}&heartbeat=1s",
    )
    _, stderr = launcher.communicate(timeout=300)
    assert "lost a connection" not in stderr
    assert len(door.take(done)) == 1
    assert door.channel(topic, "c")["timeout_count"] == 0
