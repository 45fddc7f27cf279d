"""Whether what a database says is worth another attempt."""

import pytest
from task_store import Claim, StoreAwayError, StoreError
from task_store.place import read_place
from task_store.trouble import error_of

psycopg = pytest.importorskip("psycopg")
PLACE = read_place("postgresql://u@h/d")


def told(error):
    """Return what an error of the driver is told as."""
    from sqlalchemy.exc import DBAPIError

    return error_of(DBAPIError.instance("INSERT", {}, error, psycopg.Error), PLACE)


@pytest.mark.parametrize("kind", ["DataError", "ProgrammingError", "NotSupportedError"])
def test_what_the_driver_refuses_is_no_server_that_is_away(kind):
    """Nobody has asked the server, and asking again would never end."""
    error = told(getattr(psycopg, kind)("it cannot contain NUL"))
    assert type(error) is StoreError
    assert str(error) == "store postgresql://h/d: it refuses (it cannot contain NUL)"


@pytest.mark.parametrize("kind", ["OperationalError", "InterfaceError"])
def test_what_comes_without_a_state_is_a_server_that_is_away(kind):
    """The connection has broken, or there was none."""
    assert type(told(getattr(psycopg, kind)("closed"))) is StoreAwayError


def test_a_text_with_a_nul_is_refused_at_once(new_database, open_):
    """The loop that would write it could never go on: its delivery is to be dead."""
    store = open_(new_database())
    with pytest.raises(StoreError, match="it refuses .*NUL") as error:
        store.claim([Claim("a\0b", "load", b"")])
    assert not isinstance(error.value, StoreAwayError)
    assert store.claim([Claim("ab", "load", b"")]) == [True]
