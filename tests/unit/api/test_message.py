"""Rules of `task_core.api.message`."""

import gc

import pytest

from task_core.api.message import Delivery, Message

RECORDS = (Message("load", b"x"), Delivery(b"x", token=1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_is_made_for_each_task_costs_the_garbage_collector_nothing(record):
    """They hold no cycles, and a million of them would be a million to look at."""
    assert not gc.is_tracked(record)


def test_a_message_asks_for_nothing_special():
    """A topic and a body are enough on every bus."""
    message = Message("load", b"x")
    assert not any((message.key, message.delay, message.priority, message.headers))


def test_a_delivery_is_a_first_receipt_until_its_bus_says_more():
    """As on every bus that does not count."""
    assert Delivery(b"x").attempt == 1
