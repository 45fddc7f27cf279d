"""Who is connected to again, and who is given up."""

import threading

import pytest
from task_bus_nsq.names import Address
from task_bus_nsq.reconnect import Reconnector

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
