"""Rules of joins where parents of one name come again and again."""

from attrs import evolve
from task_store.join_rows import Waiting
from task_store.tables import JOIN
from task_testing import FakeClock

A1, A2, B1 = (
    ("k", name, digit * 16) for name, digit in (("a", "1"), ("a", "2"), ("b", "1"))
)


def rows(known):
    return [(it.key, it.parent, it.which, it.body, it.fired is None) for it in known]


def test_parents_of_one_name_wait_side_by_side(store, other):
    """In their order; what fired is known when it comes again, and only then."""
    store.joins.arrive_all("w", "p", [(*A2, b"2"), (*A1, b"1")])
    store.joins.arrive_all("w", "p", [(*A2, b"x"), (*B1, b"3")])
    store.joins.arrive_all("w", "q", [(*A1, b"4")])
    waiting = [(*A2, b"2", True), (*A1, b"1", True), (*B1, b"3", True)]
    assert rows(other.joins.known("w", "p", [("k", "c", "0" * 16)])) == waiting
    store.joins.fire_all("w", "p", [A2, B1])
    assert rows(other.joins.known("w", "p", [B1])) == [waiting[1], (*B1, b"3", False)]
    (join,) = store.joins.waiting("w")[:1]
    assert (join.key, join.parents) == ("k", ("a",))


def test_one_whose_time_is_over_takes_no_other_of_its_key_along(url, open_):
    """Each is told in its time."""
    clock = FakeClock(1000.0)
    joins = open_(url, clock=clock).joins
    joins.arrive_all("w", "p", [(*A1, b"")], 1100.0)
    clock.advance(50)
    joins.arrive_all("w", "p", [(*A2, b"")], 1150.0)
    clock.advance(60)
    first = Waiting("w", "p", "k", ("a",), 1000.0, 1100.0)
    assert joins.overdue() == [first]
    joins.expire([first], None)
    assert joins.overdue() == []
    clock.advance(60)
    assert joins.overdue() == [evolve(first, since=1050.0, expires=1150.0)]


def test_rounds_of_older_versions_are_put_under_their_key(store):
    """Once; what is there already, and what only looks so, stays."""
    old = {"workflow": "w", "phase": "p", "arrived": 1.0}
    new = [
        {**old, "key": key, "parent": "a", "body": body}
        for key, body in (
            ("k", b"1"),
            ("k (round 2)", b"2"),
            ("k (round 12)", b"2"),
            ("x (round trip)", b"3"),
        )
    ]
    with store._database.writing() as connection:
        connection.execute(JOIN.insert(), new)
    which = ("y (round 2)", "a", "9" * 16)
    store.joins.arrive_all("w", "p", [(*which, b"4")])
    assert store.joins.merge_rounds(lambda body: body.decode() * 16) == 1
    assert rows(store.joins.known("w", "p", [A1])) == [
        ("k", "a", "", b"1", True),
        ("k", "a", "2" * 16, b"2", True),
    ]
    assert store.joins.merge_rounds(lambda body: body.decode() * 16) == 0
    assert {it.key for it in store.joins.waiting()} == {
        *("k", "k (round 12)", "x (round trip)", "y (round 2)")
    }
