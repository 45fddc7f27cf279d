"""What tests of buses try until it works, as a launcher does."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from brokers.process import BrokerMissingError
from task_core.api import (
    BusConnectionError,
    Consumer,
    LeaseLostError,
    Message,
    SendError,
)

PATIENCE = 120.0
"""Seconds after which something does not come about."""
T = TypeVar("T")


def present(start: Callable[[], T]) -> T:
    """Start a broker; skip the test, or fail it, where there is none."""
    try:
        return start()
    except BrokerMissingError as error:
        if os.environ.get("BROKERS_REQUIRED") == "1":
            raise
        pytest.skip(str(error))


def until(holds: Callable[[], object], *passing: type[Exception]) -> None:
    """Return when something holds; what it raises meanwhile passes by."""
    deadline = time.monotonic() + PATIENCE
    kinds: tuple[type[Exception], ...] = (OSError, LookupError, *passing)
    while True:
        try:
            if holds():
                return
        except kinds as error:
            assert time.monotonic() < deadline, repr(error)
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.05)  # nothing tells when it does


def again(act: Callable[[], T]) -> T:
    """Do something; again as long as the bus says that this may help."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except SendError as error:
            assert error.transient
            assert time.monotonic() < deadline, str(error)
        except BusConnectionError as error:
            assert time.monotonic() < deadline, str(error)
        time.sleep(0.05)  # nothing tells when it is back


def receive_all(consumer: Consumer, count: int) -> list[bytes]:
    """Receive so many, and what else there is; settle them, each with a done task."""
    found: list[bytes] = []

    def received() -> bool:
        came = again(lambda: consumer.receive(1000, 1))
        try:
            again(
                lambda: consumer.settle(
                    came, [Message("done", one.body) for one in came]
                )
            )
        except LeaseLostError:  # they come again
            return False
        found.extend(one.body for one in came)
        return len(found) >= count and not came

    until(received)
    return found
