"""Connections: to what is no nsqd, closed ones, and those that break at a bad time."""

import socket
import threading
import time

import pytest
from nsq_backdoor import NsqBackdoor

from task_core.api import BusConnectionError, BusError, Message


def test_a_connection_that_breaks_while_it_is_asked_is_told_at_once(start_nsqd, buses):
    nsqd = start_nsqd()
    NsqBackdoor(nsqd).put("t", [b"1"])
    consumer = buses(nsqd=(nsqd.tcp,)).subscribe("t", "c")
    held = consumer.receive(1, 5)
    consumer._connections.readers[0].made_at -= 1  # as if it had worked for a while
    nsqd.kill()
    consumer._connections.drop_gone = lambda: None  # it has not yet heard of the end
    consumer.ack(held)
    consumer._send_left(
        is_beat=False
    )  # as its timer does: the next write is one too many
    begin = time.monotonic()
    with pytest.raises(BusConnectionError):
        consumer.receive(1, 10)
    assert time.monotonic() - begin < 8


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n400 Bad Request",  # an nsqd's HTTP port
        b"\0\0\0\x0eE_BAD_PROTOCOL",  # an nsqlookupd's TCP port
        b"\0\0\0\x06\0\0\0\0{}",
    ],
)
def test_what_is_no_nsqd_is_told_apart_from_one_that_is_away(answer, buses):
    def serve():
        for _ in range(2):
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        address = "127.0.0.1:{1}".format(*server.getsockname())
        bus = buses(nsqd=(address,))
        for act in (
            lambda: bus.subscribe("t", "c"),
            lambda: bus.producer().send([Message("t", b"1")]),
        ):
            with pytest.raises(BusError, match=f"{address} .*TCP protocol") as caught:
                act()
            assert not isinstance(caught.value, BusConnectionError)


def test_an_nsqd_that_fell_silent_is_left_while_another_one_is_busy(start_nsqd, buses):
    nsqds = start_nsqd(), start_nsqd()
    NsqBackdoor(nsqds[1]).put("t", [b"1", b"2"])
    consumer = buses(nsqd=tuple(it.tcp for it in nsqds)).subscribe("t", "c")
    silent, busy = consumer._connections.readers
    silent.heard -= 1000
    nsqds[0].pause()
    try:
        assert len(consumer.receive(1, 5)) == 1
    finally:
        nsqds[0].resume()
    assert consumer._connections.readers == [busy]


def test_a_command_that_left_in_half_ends_its_connection(nsqd, buses, monkeypatch):
    door = NsqBackdoor(nsqd)
    topic = door.topic()
    door.put(topic, [b"1"])
    consumer = buses(nsqd=(nsqd.tcp,)).subscribe(topic, "c")
    (broken,) = consumer._connections.readers
    broken.made_at -= 1  # as if it had worked for a while

    def half():
        raise BlockingIOError

    with monkeypatch.context() as patch:
        patch.setattr(broken, "flush", half)
        consumer._send_left(is_beat=False)
    assert len(consumer.receive(1, 5)) == 1
    assert consumer._connections.readers != [broken]
