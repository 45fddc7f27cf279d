"""What a server says -> one clear line of the bus."""

from task_core.api import BusConnectionError, BusError, PayloadError


class MissingError(BusError):
    """The stream, the consumer or the message is not there."""


class ClashError(BusError):
    """A stream is there, with other settings than ours."""


LOGIN = (
    "the login is missing or wrong: give user and password"
    " (nats://USER@HOST with TASK_BUS_NATS_PASSWORD), token, nkey or credentials"
)
RIGHTS = "the README of task-bus-nats lists the rights that its user needs"
JETSTREAM = "has no JetStream: start it with -js, or turn it on for this account"
SAID: tuple[tuple[str, type[BusError], str], ...] = (
    ("authorization violation", BusError, LOGIN),
    # what a connection began with; those that are there now may do, as the next tells
    ("authentication expired", BusConnectionError, "the login is over: renew it"),
    ("authentication revoked", BusConnectionError, "the login was revoked: renew it"),
    ("authentication timeout", BusConnectionError, "was told too late who we are"),
    ("permissions violation", BusError, RIGHTS),
    # it took more when we came: the next connection knows, and tells which is too long
    ("maximum payload", BusConnectionError, "takes no message that long any more"),
    ("tls required", BusError, "wants TLS: option tls"),
)
"""Words of `-ERR`, the error that they are, and what to do."""


def error_of(line: bytes, address: str) -> BusError:
    """Return the error of an `-ERR`; the connection is over, but for missing rights."""
    text = line[4:].decode("utf-8", "replace").strip().strip("'")
    for sign, kind, meaning in SAID:
        if sign in text.lower():
            return kind(f"NATS at {address}: {meaning} ({text})")
    return BusConnectionError(f"NATS at {address}: ended the connection ({text})")


NO_JETSTREAM = {10039, 10076}
REFUSALS: tuple[tuple[set[int], type[BusError], str], ...] = (
    ({10014, 10059, 10037}, MissingError, ""),
    ({10058, 10065}, ClashError, ": choose another option prefix"),
    (
        {10005},
        BusConnectionError,
        ": fewer servers than option replicas says are there now",
    ),
    ({10118, 10119}, BusConnectionError, ": the servers that have it are away"),
    ({10054}, PayloadError, ""),
    (
        {10023, 10047, 10028, 10002, 10001, 10026, 10027, 10053, 10077, 10167},
        BusConnectionError,
        " (it takes nothing more now)",
    ),
)
"""Codes of answers, the error that they are, and what is added to what they say. In
turn: nothing is there, or something else; servers are away; too large; limits.
"""


def refusal(error: dict[str, object], address: str) -> BusError:
    """Return the error of an answer of JetStream."""
    number = error.get("err_code")
    code = number if isinstance(number, int) else 0
    text = f"NATS at {address}: {error.get('description', 'refuses')}"
    if code in NO_JETSTREAM:
        return BusError(f"NATS at {address}: {JETSTREAM}")
    for codes, kind, meaning in REFUSALS:
        if code in codes:
            return kind(f"{text}{meaning}")
    if error.get("code") == 503:
        return BusConnectionError(f"{text} (it takes nothing more now)")
    return BusError(f"{text} ({code})")
