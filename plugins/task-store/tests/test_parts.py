"""The smaller parts: progress, joins, seen, groups, plans, pauses."""

import contextlib

from sqlalchemy import func, select
from task_store import Claim
from task_store.plans import Item, State
from task_store.tables import JOIN
from task_testing import FakeClock


def test_progress_never_goes_back_by_itself(store, other):
    """Of two instances the one that is further counts."""
    store.progress.advance("rules", "a", 5.0, "rule 1")
    other.progress.advance("rules", "a", 4.0)
    other.progress.advance("others", "a", 1.0)
    assert store.progress.load("rules") == {"a": 5.0}
    assert not store.progress.put_back("rules", "a", 4.0, 1.0), "it has moved on"
    assert store.progress.put_back("rules", "a", 5.0, 1.0)
    assert store.progress.load("rules") == {"a": 1.0}


def test_progress_begins_where_the_first_instance_does(store, other):
    """Earlier or later, all go on from there; what is known already stays."""
    assert store.progress.begin_all("rules", {}) == {}
    assert store.progress.begin_all("rules", {"a": (5.0, "rule 1")}) == {"a": 5.0}
    new = {"a": (7.0, "rule 1"), "b": (7.0, "rule 2")}
    assert other.progress.begin_all("rules", new) == {"a": 5.0, "b": 7.0}
    assert store.progress.load("rules") == {"a": 5.0, "b": 7.0}


def test_a_join_tells_who_has_arrived_and_keeps_the_first_bytes(url, open_):
    """A parent that comes again changes nothing."""
    clock = FakeClock(1000.0)
    joins = open_(url, clock=clock).joins
    assert joins.arrive("w", "p", "k", "a", b"1", 1060.0) == {"a": b"1"}
    clock.advance(10)
    assert joins.arrive("w", "p", "k", "a", b"2", 9999.0) == {"a": b"1"}
    assert joins.arrive("w", "p", "other", "b") == {"b": b""}
    (first, _) = joins.waiting("w")
    assert (first.parents, first.since, first.expires) == (("a",), 1000.0, 1060.0)
    assert joins.overdue() == []
    clock.advance(60)
    assert joins.overdue() == [first]
    joins.expire([first], None)
    assert joins.overdue() == [], "it was told"
    assert joins.arrive("w", "p", "k", "b", b"3") == {"a": b"1", "b": b"3"}
    joins.fire("w", "p", "k")
    assert [it.key for it in joins.waiting()] == ["other"]
    assert joins.arrived("w", "p", "k") == {"a": b"1", "b": b"3"}
    clock.advance(100)
    assert joins.drop_old(50) == 2


def test_a_look_for_overdue_joins_costs_what_is_overdue(url, open_):
    """Not what is there: those that still wait, have fired, or were told."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    for number in range(50):
        store.joins.arrive("w", "p", f"k{number:02}", "a", b"", 2000.0 + number)
    clock.advance(1010)
    assert [it.key for it in store.joins.overdue(3)] == ["k00", "k01", "k02"]
    store.joins.fire("w", "p", "k00")
    assert len(store.joins.overdue()) == 10
    if not store.shared:
        seen = []
        with store._database.writing() as connection:
            file = connection.connection.driver_connection
            file.set_trace_callback(seen.append)
            store.joins.overdue()
            file.set_trace_callback(None)
            plan = file.execute(f"EXPLAIN QUERY PLAN {seen[0]}").fetchall()
        assert not [row[3] for row in plan if row[3].startswith("SCAN task_join")]


def test_who_waits_for_others_in_vain_is_forgotten_after_a_month(url, open_):
    """A join with a key that nobody else has would stay for ever."""
    clock = FakeClock(1000.0)
    joins = open_(url, clock=clock).joins
    joins.arrive("w", "p", "old", "a")
    clock.advance(29 * 86400)
    joins.arrive("w", "p", "new", "a")
    assert joins.drop_old(50) == 0
    clock.advance(2 * 86400)
    assert joins.drop_old(50) == 1
    assert [it.key for it in joins.waiting()] == ["new"]


def test_each_version_of_a_file_is_new_once(store, other):
    """For each rule, over restarts and instances."""
    assert store.seen.add("r", [("b", "1"), ("a", "1"), ("a", "1")]) == [1, 1, 0]
    assert other.seen.add("r", [("a", "1"), ("a", "2")]) == [False, True]
    assert other.seen.add("s", [("a", "1")]) == [True]
    assert list(store.seen.load("r")) == [("a", "1"), ("a", "2"), ("b", "1")]
    assert store.seen.count("r") == 3
    store.seen.forget("r", [("a", "1")])
    assert not store.seen.has("r", ("a", "1"))
    assert store.seen.has("r", ("a", "2"))
    assert store.seen.add("r", []) == []


def test_versions_are_forgotten_by_age(url, open_, monkeypatch):
    """Those of one rule, and more than go at a time."""
    monkeypatch.setattr("task_store.database.DROPPED", 2)
    clock = FakeClock(1000.0)
    seen = open_(url, clock=clock).seen
    seen.add("r", [(name, "1") for name in "abcde"])
    seen.add("s", [("a", "1")])
    clock.advance(100)
    seen.add("r", [("a", "2")])
    seen.forget_older("r", 50)
    assert list(seen.load("r")) == [("a", "2")]
    assert seen.count("s") == 1


def test_progress_is_forgotten_by_age(store, monkeypatch):
    """And of what a scope has, some keys can be asked for."""
    monkeypatch.setattr("task_store.database.DROPPED", 2)
    monkeypatch.setattr("task_store.progress.AT_ONCE", 2)
    for number in range(6):
        store.progress.advance("r", f"k{number}", float(number))
    store.progress.advance("s", "k0", 0.0)
    assert store.progress.known("r", ["k0", "k4", "k5", "k6"]) == {"k0", "k4", "k5"}
    assert store.progress.known("s", ["k1"]) == store.progress.known("s", []) == set()
    store.progress.forget_before("r", 5.0)
    assert store.progress.load("r") == {"k5": 5.0}
    assert store.progress.load("s") == {"k0": 0.0}


def test_a_group_waits_and_is_taken_by_one(url, open_):
    """Two instances must not make its task twice."""
    clock = FakeClock(1000.0)
    one, two = (open_(url, clock=clock).groups for _ in range(2))
    one.add("r", "dir", {"a": b"1", "b": b"2"})
    clock.advance(5)
    two.add("r", "dir", {"c": b"3", "a": b"new"})
    (group,) = one.waiting("r")
    assert (group.name, group.count, group.first, group.last) == ("dir", 3, 1000, 1005)
    assert one.items("r", "dir") == {"a": b"new", "b": b"2", "c": b"3"}
    assert two.take("r", "dir") == {"a": b"new", "b": b"2", "c": b"3"}
    assert one.take("r", "dir") == {}
    assert one.waiting("r") == []


def test_a_part_of_a_group_is_taken_the_oldest_first(url, open_):
    """Also of a group larger than one statement can name."""
    clock = FakeClock(1000.0)
    groups = open_(url, clock=clock).groups
    for number in reversed(range(3)):
        groups.add("r", "dir", {f"{number}": b"x"})
        clock.advance(1)
    groups.add("r", "dir", {"1": b"again"})
    first = groups.items("r", "dir", 2)
    assert list(first) == ["2", "0"]
    assert groups.take("r", "dir", first) == first
    assert groups.take("r", "dir", first) == {}
    assert groups.items("r", "dir") == {"1": b"again"}
    many = {f"{number:04}": b"" for number in range(1200)}
    groups.add("r", "many", many)
    assert len(groups.take("r", "many", many)) == 1200


def test_what_is_seen_again_and_again_stays_young(url, open_):
    """The others can be forgotten by their age."""
    clock = FakeClock(1000.0)
    seen = open_(url, clock=clock).seen
    seen.add("r", [("a", "1"), ("b", "1")])
    clock.advance(100)
    assert seen.older("r", 200) == []
    assert sorted(seen.older("r", 50)) == [("a", "1"), ("b", "1")]
    seen.renew("r", [("a", "1")])
    assert seen.older("r", 50) == [("b", "1")]


def test_a_plan_is_written_once_and_goes_on_where_it_was(store, other):
    """It survives a restart, and can be stopped before the next send."""
    items = [Item(n, f"key{n}", "load", b"body") for n in range(3)]
    assert store.plans.make("p", '{"by": "day"}', items, "ada")
    assert not other.plans.make("p", "{}", items)
    assert [it.plan for it in other.plans.all()] == ["p"]
    assert other.plans.all(State.DONE) == []
    plan = other.plans.get("p")
    assert (plan.parameters, plan.who, plan.state) == (
        '{"by": "day"}',
        "ada",
        "planned",
    )
    assert other.plans.get("q") is None
    assert store.plans.change("p", State.RUNNING, [State.PLANNED])
    assert not other.plans.change("p", State.RUNNING, [State.PLANNED])
    assert store.plans.mark("p", [0, 1], State.SENT) == 2
    assert other.plans.mark("p", [0], State.FAILED, "no such table") == 1
    (left,) = other.plans.items("p", State.PLANNED, limit=5)
    assert (left.n, left.key, left.body) == (2, "key2", b"body")
    assert other.plans.items("p", after=1)[0].n == 2
    assert other.plans.items("p")[0].note == "no such table"
    assert other.plans.counts("p") == {"failed": 1, "sent": 1, "planned": 1}
    store.plans.drop("p")
    assert other.plans.items("p") == []


def test_plans_of_which_nothing_is_left_to_do_are_forgotten_after_a_month(url, open_):
    """Those that were only looked at, too; in parts, with their items."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    for name in ("looked", "done", "paused", "running"):
        store.plans.make(name, "{}", [Item(0, name, "load", b"body")])
    for name in ("done", "paused", "running"):
        store.plans.change(name, name)
    clock.advance(29 * 86400)
    store.plans.make("young", "{}", [])
    store.drop_old()
    assert len(store.plans.all()) == 5
    clock.advance(2 * 86400)
    store.drop_old()
    assert {it.plan for it in store.plans.all()} == {"young", "paused", "running"}
    assert store.plans.items("looked") == store.plans.items("done") == []
    assert len(store.plans.items("paused")) == 1


def test_all_that_is_old_goes_in_parts(url, open_, monkeypatch):
    """Each of them a transaction: one of all would be ended by a server each time."""
    monkeypatch.setattr("task_store.database.DROPPED", 2)
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    for number in range(5):
        store.joins.arrive("w", "p", f"fired{number}", "a")
        store.joins.fire("w", "p", f"fired{number}")
        store.joins.arrive("w", "p", f"waits{number}", "a")
    store.claim([Claim(f"k{number}", "t", b"") for number in range(5)])
    store.sent([f"k{number}" for number in range(5)])
    store.plans.make("p", "{}", [Item(n, f"{n}", "t", b"") for n in range(5)])
    clock.advance(100)
    store.joins.arrive("w", "p", "young", "a")
    rows, writing = [], store._database.writing

    @contextlib.contextmanager
    def noted():
        with writing() as connection:
            yield connection
            rows.append(connection.execute(select(func.count(JOIN.c.key))).scalar())

    monkeypatch.setattr(store._database, "writing", noted)
    assert store.joins.drop_old(50) == 5
    assert rows == [9, 7, 6, 6], "and a look at those that wait"
    assert store.claims.drop_old(50) == 5
    store.plans.drop("p")
    assert (store.plans.get("p"), store.plans.items("p")) == (None, [])
    clock.advance(31 * 86400)
    assert store.joins.drop_old(50) == 6


def test_a_pause_is_known_to_all_until_it_ends(store, other):
    """With who said so, and why."""
    assert store.pauses.pause("rule 1", "ada", "the source is down")
    assert not other.pauses.pause("rule 1", "bob")
    pause = other.pauses.all()["rule 1"]
    assert (pause.who, pause.note) == ("ada", "the source is down")
    assert other.pauses.resume("rule 1")
    assert not store.pauses.resume("rule 1")
    assert store.pauses.all() == {}


def test_a_store_is_closed_when_the_last_of_its_loops_has_ended(store, monkeypatch):
    """Not before; who comes later opens it again."""
    closed = []
    close = store.close
    monkeypatch.setattr(store, "close", lambda: (closed.append(1), close()))
    with store.in_use():
        with store.in_use():
            assert store.pending() == 0
        assert closed == []
    assert closed == [1]
    with store.in_use():
        assert store.pending() == 0
    assert closed == [1, 1]


def test_all_that_holds_a_text_is_found(store):
    """Of claims, joins and plans, sent or not; no character means another one."""
    for text in ("50%_a", "50xxa", "50%_a\\b"):
        body = f'{{"id":"{text}"}}'.encode()
        store.queue([Claim(text, "topic", body)])
        store.joins.arrive("w", "p", text, "parent", body)
        store.plans.make(text, "{}", [Item(n=0, key=text, topic="t", body=body)])
    store.sent(["50%_a"])
    store.joins.fire("w", "p", "50%_a")
    first, second = store.claims.holding(b"50%_a")
    assert (first.sent is None, second.sent) == (False, None)
    assert [it.fired is None for it in store.joins.holding(b"50%_a")] == [False, True]
    assert [it.key for it in store.plans.holding(b"0%_a\\")] == ["50%_a\\b"]
    assert store.claims.holding(b"none") == []


def test_a_look_at_a_store_can_be_left_out_when_there_is_none(store):
    """Its file is made by the first use, and not by the question."""
    assert store.missing is not store.shared
    store.check()
    assert not store.missing
