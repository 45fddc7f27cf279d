"""Rules of `task_bus_nats.errors`: what is waited for, and what ends a launcher."""

import pytest
from task_bus_nats.errors import MissingError, error_of, refusal

from task_core.api import BusConnectionError, BusError, PayloadError

SAID = {
    "User Authentication Expired": BusConnectionError,
    "Account Authentication Expired": BusConnectionError,
    "User Authentication Revoked": BusConnectionError,
    "Authorization Violation": BusError,
    "Maximum Payload Violation": BusConnectionError,
}
"""Of an end of a connection."""
REFUSED = {
    10037: MissingError,  # no message found
    10118: BusConnectionError,  # stream is offline
    10119: BusConnectionError,  # consumer is offline
    10027: BusConnectionError,  # maximum number of streams reached
    10053: BusConnectionError,  # of the account's limits, when a stream is made
    10167: BusConnectionError,  # too many requests
    10054: PayloadError,  # message size exceeds maximum allowed
    10194: BusError,  # stream is offline: it needs a newer server
}


@pytest.mark.parametrize("text", SAID)
def test_what_the_next_connection_may_know_better_is_passing(text):
    """A login that was renewed, a bound that is another one now."""
    error = error_of(f"-ERR '{text}'".encode(), "h:1")
    assert type(error) is SAID[text]
    assert text in str(error)


@pytest.mark.parametrize("code", REFUSED)
def test_what_passes_is_waited_for(code):
    """Servers that are away, and limits of an account, as the README says."""
    error = refusal({"code": 400, "err_code": code, "description": "so"}, "h:1")
    assert type(error) is REFUSED[code]
