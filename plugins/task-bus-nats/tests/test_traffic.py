"""Rules of `task_bus_nats.traffic`: patience, and messages that stay whole.

Time is a number here that each look at the connection moves on; nothing waits for it.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from task_bus_nats import link as links
from task_bus_nats.dialer import Dialer
from task_bus_nats.link import Link
from task_bus_nats.options import NatsOptions

from task_core.api import BusConnectionError

TIMEOUT, PACE = 5.0, 1.5
"""Seconds that may pass in silence, and that pass until the server does something."""
SMALL = 16_384
"""Bytes of a buffer that is soon full."""
GREETING = b'INFO {"version":"2.10.0","max_payload":8388608}\r\n'
LONG = b"PUB task.t _ 2000000\r\n%b\r\n" % (b"x" * 2_000_000)


class Looks:
    """In place of a poll: before each look the server has done something.

    Args:
        link: Who looks.
        act: What the server does; may be None.
    """

    def __init__(self, link, act):
        self._poll, self._act = link._poll, act
        self.now = 0.0
        link._poll = self

    def modify(self, *words):
        self._poll.modify(*words)

    def poll(self, milliseconds):
        if self._act is None or milliseconds < PACE * 1000:
            self.now += milliseconds / 1000
            return []
        self.now += PACE
        self._act()
        return self._poll.poll(60_000)

    def is_room(self):
        return bool(self._poll.poll(0))


@pytest.fixture
def met():
    """A link, and the server's end of it; both have small buffers."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        host, port = listener.getsockname()
        wait = timedelta(seconds=TIMEOUT)
        link = Link(Dialer(NatsOptions(host=host, port=port, connect_timeout=wait)))
        with ThreadPoolExecutor(1) as threads:
            greeted = threads.submit(_greet, listener)
            link.connect()
        with greeted.result() as server:
            link._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
            yield link, server
            link.drop()


def _greet(listener):
    """Let somebody in, and take the line that each connection begins with."""
    server, _ = listener.accept()
    server.settimeout(60)
    server.sendall(GREETING)
    _read_until(server, b"PING\r\n")
    server.sendall(b"PONG\r\n")
    _read_until(server, b" 1\r\n")  # SUB
    return server


def _read_until(server, end):
    found = b""
    while not found.endswith(end):
        data = server.recv(65_536)
        assert data, found
        found += data
    return found


@pytest.fixture
def at(monkeypatch):
    """Let a server do something before each look of a link; return its clock."""

    def at(link, act):
        looks = Looks(link, act)
        monkeypatch.setattr(links, "monotonic", lambda: looks.now)
        return looks

    return at


def test_each_answer_has_its_own_time(met, at):
    """All together may take longer, on a slow line or disk."""
    link, server = met
    numbers = iter(range(5))

    def answer():
        words = link.inbox.encode(), next(numbers)
        server.sendall(b"MSG %b.%d 1 2\r\nok\r\n" % words)

    looks = at(link, answer)
    assert [it.body for it in link.ask_all([("q", b"")] * 5)] == [b"ok"] * 5
    assert looks.now == 5 * PACE > TIMEOUT


def test_an_answer_may_come_bit_by_bit(met, at):
    """A message of many bytes is on its way for long."""
    link, server = met
    body = b"y" * 100
    parts = [b"MSG %b.0 1 100\r\n" % link.inbox.encode(), *[b"y" * 10] * 10, b"\r\n"]
    looks = at(link, lambda: server.sendall(parts.pop(0)))
    assert link.ask("q").body == body
    assert looks.now == 12 * PACE > TIMEOUT


def test_the_end_of_a_flush_may_be_behind_much(met, at):
    """What was on its way comes first."""
    link, server = met
    parts = [b"MSG s 2 10\r\n", *[b"y"] * 10, b"\r\n", b"PONG\r\n"]
    at(link, lambda: server.sendall(parts.pop(0)))
    link.flush()
    assert link.frames.pop().body == b"y" * 10


def test_a_long_message_has_time_as_long_as_some_of_it_gets_through(met, at):
    """A slow line is no lost one."""
    link, server = met
    got = bytearray()

    def read():
        while not looks.is_room():
            got.extend(server.recv(65_536))

    looks = at(link, read)
    link.write(LONG)
    assert looks.now > TIMEOUT
    while len(got) < len(LONG):
        got += server.recv(65_536)
    assert bool(got == LONG)  # two megabytes are nothing to show


@pytest.mark.parametrize("use", [lambda it: it.ask("q"), lambda it: it.write(LONG)])
def test_who_is_silent_is_given_up_in_time(met, at, use):
    """Whether something is expected from him, or he is to take something."""
    link, _ = met
    looks = at(link, None)
    with pytest.raises(BusConnectionError, match="no answer in time"):
        use(link)
    assert looks.now == TIMEOUT
    assert not link.connected


def test_who_is_silent_after_a_part_is_given_up_in_time(met, at):
    """The time begins anew with what came last."""
    link, server = met

    def speak():
        server.sendall(b"MSG")
        looks._act = None

    looks = at(link, speak)
    with pytest.raises(BusConnectionError, match="no answer in time"):
        link.ask("q")
    assert looks.now == PACE + TIMEOUT


def test_a_ping_amid_a_long_message_is_answered_behind_it(met, at):
    """In the middle it would be a part of the message, and end the connection."""
    link, server = met
    got = bytearray()

    def act():
        if looks.now == PACE:
            server.sendall(b"PING\r\n")
        while not looks.is_room():
            got.extend(server.recv(65_536))

    looks = at(link, act)
    link.write(LONG)
    while len(got) < len(LONG) + len(b"PONG\r\n"):
        got += server.recv(65_536)
    assert got.find(b"PONG\r\n") == len(LONG)


def test_an_interrupt_amid_a_message_ends_the_connection(met, at):
    """What is written next would stand in the middle of it."""
    link, _ = met

    def interrupted():
        raise KeyboardInterrupt

    at(link, interrupted)
    with pytest.raises(KeyboardInterrupt):
        link.write(LONG)
    assert not link.connected
