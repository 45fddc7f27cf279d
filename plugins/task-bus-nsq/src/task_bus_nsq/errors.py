"""Errors of sockets and answers of an nsqd -> the errors of the contract."""

import re
import socket
import ssl

from task_bus_nsq.names import Address
from task_core.api import BusConnectionError, BusError

CLOSED = "it closed the connection"
_LOGIN = ("E_AUTH", "E_UNAUTHORIZED")
_LIMIT = re.compile(r"(?: > |out of range 0-)(\d+)$")


class RefusalError(BusError):
    """An nsqd answered with an error.

    Args:
        address: Whose answer it is.
        answer: The answer, for example `E_BAD_TOPIC PUB topic name …`.
        hint: What to do about it.
    """

    def __init__(self, address: Address, answer: str, hint: str = "") -> None:
        super().__init__(f"nsqd {address} refused: {answer}{hint}")
        self.code, _, self.reason = answer.partition(" ")

    @property
    def is_login(self) -> bool:
        """Whether it is about who we are, so that nobody else will say otherwise."""
        return self.code.startswith(_LOGIN)

    @property
    def is_passing(self) -> bool:
        """Whether another nsqd, or this one later, may take the same."""
        return self.code.endswith("_FAILED") and not self.is_login

    @property
    def limit(self) -> int | None:
        """The most that it takes, if it says so."""
        found = _LIMIT.search(self.reason)
        return int(found[1]) if found else None


def refusal(address: Address, answer: bytes) -> RefusalError:
    """Return the error that an nsqd's answer stands for."""
    text = answer.decode("utf-8", "replace")
    hint = ""
    if text.startswith(_LOGIN):
        hint = "; check the option auth_secret, and whether its auth server answers"
    elif "TLS required" in text:
        hint = "; switch on the option tls"
    elif "heartbeat" in text:
        hint = "; set the option heartbeat to what its --max-heartbeat-interval allows"
    elif "msg timeout" in text:
        hint = (
            ", since its --max-msg-timeout is shorter: take a shorter --lease (or"
            " msg_timeout), which is renewed while a task runs, or start it with more"
        )
    elif "message too big" in text:
        hint = "; set the option max_msg_size to its --max-msg-size"
    return RefusalError(address, text, hint)


def unreachable(address: Address, error: Exception) -> BusError:
    """Return the error for a connection that cannot be made, or is lost."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or error.reason
        return BusError(
            f"nsqd {address} is not trusted: {reason}; check the option tls_ca"
        )
    if isinstance(error, ssl.SSLError) and not isinstance(
        error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLWantReadError)
    ):
        return BusError(
            f"nsqd {address} does not agree on TLS: {error.reason or error}; check the"
            " options tls_*"
        )
    return BusConnectionError(f"nsqd {address}: {_reason(error)}")


def as_bus_error(address: Address, error: Exception) -> BusError:
    """Return the error of the contract for whatever broke a connection."""
    return error if isinstance(error, BusError) else unreachable(address, error)


def _reason(error: Exception) -> str:
    if isinstance(error, (TimeoutError, BlockingIOError, ssl.SSLWantReadError)):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return f"host not found ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused (does it run, and is the port right?)"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or "the connection is lost"
