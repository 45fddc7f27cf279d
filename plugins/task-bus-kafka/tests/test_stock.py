"""What a consumer has in memory, and when it reads no more; without a broker."""

import threading
import time

import pytest
from task_bus_kafka import stock as stock_module
from task_bus_kafka.headers import DUE
from task_bus_kafka.marks import Mark
from task_bus_kafka.stock import FRAME, Record, Stock

from task_core.api import Delivery

BODY = b"x" * 100


@pytest.fixture
def stock(monkeypatch):
    monkeypatch.setattr(stock_module, "HOLD", 3 * (len(BODY) + FRAME))
    return Stock(30.0)


def add(stock, *delays):
    """Take in messages that are to come after so many seconds."""
    due = [str(round((time.time() + delay) * 1000)).encode() for delay in delays]
    records = [
        Record(partition=0, offset=at, body=BODY, headers=[(DUE, text)])
        for at, text in enumerate(due)
    ]
    stock.add(records, lambda partition: None)


def test_no_more_is_read_when_too_much_waits_for_its_time(stock):
    add(stock, 60, 60)
    assert stock.low
    add(stock, 60, 60, 60)
    assert not stock.low


def test_what_is_handed_out_makes_room_to_read_on(stock):
    add(stock, 0.05, 0.05, 60)
    assert not stock.low
    while not stock.take(1):
        time.sleep(0.01)
    assert stock.low


def test_what_goes_to_others_makes_room_to_read_on(stock):
    add(stock, 60, 60, 60)
    assert not stock.low
    stock.release([0])
    assert stock.low


def test_what_is_given_back_for_later_takes_room(stock):
    records = [Record(0, at, BODY, None) for at in range(3)]
    stock.add(records, lambda partition: None)
    held = stock.take(3)
    stock.give_back([Delivery(lease.body, lease) for lease in held], 60)
    assert not stock.low


def test_what_was_held_of_a_topic_that_is_made_anew_is_lost():
    stock = Stock(30.0)
    old = [Record(0, at, b"old", None) for at in range(10, 13)]
    stock.add(old, lambda partition: Mark(10, 10))
    held = [Delivery(lease.body, lease) for lease in stock.take(2)]
    stock.add([Record(0, 0, b"new", None)], lambda partition: None)
    assert stock.lost(held) == held
    stock.finish(held)
    assert [lease.body for lease in stock.take(10)] == [b"new"]


def test_asking_how_far_a_partition_is_done_holds_nobody_up(stock):
    ended = []

    def ask(partition):
        other = threading.Thread(target=stock.release, args=([9],))
        other.start()
        other.join(1)
        ended.append(not other.is_alive())

    stock.add([Record(0, 0, BODY, None)], ask)
    assert ended == [True]
