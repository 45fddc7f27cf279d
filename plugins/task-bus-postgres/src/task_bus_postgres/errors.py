"""What libpq and the server say -> one clear line of the bus."""

from collections.abc import Sequence

import psycopg

from task_core.api import BusConnectionError, BusError, Message, PayloadError, SendError


class LeaseOverError(BusError):
    """A lease is over; the server has undone the statement."""


class GoneError(BusConnectionError):
    """The tables are gone, or others: connecting anew makes them."""


VARIABLE = (
    "TASK_BUS_POSTGRES_PASSWORD, or TASK_BUS_POSTGRESQL_PASSWORD with postgresql://"
)
LOGIN = (
    f"give user and password, for example postgres://NAME@HOST/DATABASE with {VARIABLE}"
)
WRONG = f"the password ({VARIABLE}) or the user is wrong"
RIGHTS = "`task postgres schema` prints what a user with more rights may run once"
DATABASE = "name another one by option dbname, or make it: createdb NAME"
SPEAKS = "does not speak PostgreSQL: is the port right?"
UNTRUSTED = "is not trusted: option sslrootcert names who vouches for it"
POOLED = "behind PgBouncer take notify=false"
READ_ONLY = "takes nothing that is written: name the primary"
STATES: dict[str, tuple[type[BusError], str]] = {
    "TASK1": (LeaseOverError, "a lease is over"),
    "28P01": (BusError, WRONG),
    "28000": (BusError, LOGIN),
    "3D000": (BusError, DATABASE),
    "42501": (BusError, RIGHTS),
    "23505": (BusConnectionError, "others were faster"),
    "25006": (BusConnectionError, READ_ONLY),
    "3F000": (GoneError, "the tables are gone"),
    "42P01": (GoneError, "the tables are gone"),
    "42883": (GoneError, "the functions are gone"),
    "0A000": (GoneError, "the tables are others now"),
    "26000": (GoneError, f"has forgotten a statement: {POOLED}"),
    "42P05": (BusError, f"knows a statement of somebody else: {POOLED}"),
    "54000": (PayloadError, "takes no message that long"),
}
"""By SQLSTATE: the error that it is, and what it means."""
CLASSES: dict[str, tuple[type[BusError], str]] = {
    "08": (BusConnectionError, "the connection is lost"),
    "40": (BusConnectionError, "others were faster"),
    "53": (BusConnectionError, "takes nothing more now"),
    "55": (BusConnectionError, "is not ready"),
    "57": (BusConnectionError, "is not ready"),
    "58": (BusConnectionError, "has a failing disk"),
    "XX": (BusConnectionError, "has failed"),
}
"""By the class of the SQLSTATE."""
WORDS: tuple[tuple[str, type[BusError], str], ...] = (
    ("the database system is", BusConnectionError, "is not ready"),
    ("too many", BusConnectionError, "takes nothing more now"),
    ("connection slots", BusConnectionError, "takes nothing more now"),
    ("password authentication failed", BusError, WRONG),
    ("no password supplied", BusError, LOGIN),
    ("no pg_hba.conf entry", BusError, LOGIN),
    ('role "', BusError, LOGIN),
    ("permission denied for database", BusError, RIGHTS),
    ('database "', BusError, DATABASE),
    ("certificate verify failed", BusError, UNTRUSTED),
    ("root certificate file", BusError, UNTRUSTED),
    ("does not match host name", BusError, UNTRUSTED),
    ("certificate", BusError, "wants to know who we are: options sslcert, sslkey"),
    ("server does not support SSL", BusError, "speaks no TLS: option sslmode"),
    ("invalid response to SSL", BusError, SPEAKS),
    ("expected authentication request", BusError, SPEAKS),
    ("session is read-only", BusConnectionError, READ_ONLY),
    ("timeout", BusConnectionError, "does not answer in time"),
)
"""Words of those errors that come without a SQLSTATE, while connecting."""


def error_of(error: psycopg.Error, address: str) -> BusError:
    """Return the error of the contract for one of psycopg's.

    Args:
        error: What was raised.
        address: Who was asked.
    """
    return of_state(error.sqlstate or "", str(error), address)


def of_state(state: str, text: str, address: str) -> BusError:
    """Return the error of the contract for what the server said."""
    text = one_line(text)
    if found := STATES.get(state) or CLASSES.get(state[:2]):
        kind, meaning = found
    elif state:
        kind, meaning = BusError, "refuses"
    else:
        kind, meaning = _by_words(text)
    return kind(f"PostgreSQL at {address}: {meaning} ({text})")


def _by_words(text: str) -> tuple[type[BusError], str]:
    for words, kind, meaning in WORDS:
        if words in text:
            return kind, meaning
    return BusConnectionError, "cannot be reached"


def one_line(text: str) -> str:
    """Return what was said of the last address that was tried."""
    text, *_ = text.partition("CONTEXT:")  # where in our functions
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("LINE", "^"))]
    return " ".join(told[:2]) or "no reason was given"


def not_sent(error: BusError, messages: Sequence[Message]) -> BusError:
    """Return the error that tells which messages are not confirmed: all."""
    if isinstance(error, LeaseOverError | PayloadError):
        return error
    passing = isinstance(error, BusConnectionError)
    return SendError(str(error), range(len(messages)), transient=passing)
