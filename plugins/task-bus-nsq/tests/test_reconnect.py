"""Who is connected to again, and who is given up."""

import socket
import threading
import time
from contextlib import closing

import attrs
import pytest
from brokers.insist import until
from task_bus_nsq import connections
from task_bus_nsq.names import Address
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.reconnect import Reconnector
from task_bus_nsq.settings import make_settings

from task_core.api import BusConnectionError, BusError

A, B = Address("a", 1), Address("b", 1)


@pytest.fixture
def tried(monkeypatch):
    """Look around, with A and B lost and A alone listed; who was tried, in order."""
    monkeypatch.setattr("task_bus_nsq.reconnect.FIRST_WAIT", 0.01)
    monkeypatch.setattr("task_bus_nsq.reconnect.LONGEST_WAIT", 0.02)
    reconnectors = []

    def tried(error, times):
        found, enough = [], threading.Event()

        def connect(address):
            found.append(address)
            if len(found) >= times:
                enough.set()
            raise error(f"nsqd {address}")

        reconnectors.append(Reconnector(connect, lambda: [A], 0.01, list))
        reconnectors[0].lost(A)
        reconnectors[0].lost(B)
        assert enough.wait(5)
        return found

    yield tried
    for reconnector in reconnectors:
        reconnector.stop()


def test_an_nsqd_that_nsqlookupds_name_is_tried_for_ever_and_others_given_up(tried):
    found = tried(BusConnectionError, 30)
    assert B in found
    assert set(found[20:]) == {A}


def test_who_is_away_is_not_told_again_and_again(tried, caplog):
    tried(BusConnectionError, 3)
    assert not caplog.records


def test_who_refuses_a_later_connection_is_told(tried, caplog):
    tried(BusError, 3)
    assert "nsqd a:1" in caplog.text


class Nsqds:
    """A and B, of which some are up; nsqlookupds list those."""

    def __init__(self):
        self.up = {A, B}

    def holders(self, topic):
        return list(self.up)

    def readable(self, topic):
        return [A, B]

    def connect(self, address, *_):
        if address not in self.up:
            raise BusConnectionError(f"nsqd {address} is away")
        return Silent(address)


class Silent:
    """A connection that has worked for a while, and says nothing."""

    def __init__(self, address):
        self.address = address
        self.made_at = time.monotonic() - 5
        self.ours, self.theirs = socket.socketpair()
        self.fileno = self.ours.fileno

    def drop(self):
        self.ours.close()
        self.theirs.close()


@pytest.mark.parametrize("options", [{"lookupd": ("x",)}, {"nsqd": ("a:1", "b:1")}])
def test_an_nsqd_that_was_the_last_one_is_read_again_though_another_came_first(
    monkeypatch, options
):
    nsqds = Nsqds()
    monkeypatch.setattr(connections, "Reader", nsqds.connect)
    settings = make_settings(NsqOptions(**options), 30)
    settings = attrs.evolve(settings, lookup_interval=0.01)
    with closing(connections.Connections(settings, nsqds, "t", "c")) as all_:
        nsqds.up.clear()
        for reader in sorted(all_.readers, key=lambda one: one.address.host):
            all_.lose(reader, ConnectionResetError())
        nsqds.up.add(A)
        until(lambda: all_._reconnector.found)
        all_.restore()
        assert all_.addresses == {A}
        nsqds.up.add(B)
        until(lambda: all_.restore() or all_.addresses == {A, B})
