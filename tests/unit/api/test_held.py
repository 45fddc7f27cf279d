"""Rules of `task_core.api.held`: which deliveries are still ours."""

from task_core.api.held import Held
from task_core.api.message import Delivery

ONE, TWO, TWIN = Delivery(b"1"), Delivery(b"2"), Delivery(b"2")


def test_only_what_was_added_is_held():
    """And a twin with the same bytes is another delivery."""
    held = Held()
    held.add([ONE, TWO])
    assert held.lost([ONE, TWO, TWIN]) == [TWIN]
    assert held.lost([ONE, TWO, TWIN])[0] is TWIN


def test_what_was_removed_is_lost():
    """Removing it twice is no error."""
    held = Held()
    held.add([ONE, TWO])
    held.remove([ONE])
    held.remove([ONE])
    assert held.lost([ONE, TWO]) == [ONE]
    assert held.deliveries == [TWO]


def test_leases_end_and_begin_anew(monkeypatch):
    """Each by itself."""
    now = [0.0]
    monkeypatch.setattr("task_core.api.held.monotonic", lambda: now[0])
    held = Held(lease=10)
    held.add([ONE, TWO])
    now[0] = 6
    ends = held.end
    now[0] = 8
    held.renew([TWO], ends)
    now[0] = 12
    assert held.lost([ONE, TWO]) == [ONE]
    assert held.deliveries == [TWO]
    now[0] = 16
    assert held.lost([TWO]) == [TWO]


def test_without_a_lease_nothing_is_lost():
    """It never ends."""
    held = Held()
    held.add([ONE])
    assert held.lost([ONE]) == []
    assert Held(0.0).lost([]) == []
