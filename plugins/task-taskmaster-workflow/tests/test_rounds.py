"""Rules of joins under one key again and again: those of one day meet."""

import pytest
from flows import START, Flow, meta_of
from flows import done as told
from task_store.join_rows import named
from task_store.tables import JOIN
from task_taskmaster_workflow.there import which_of

from task_core.api import encode_task

SHOP = """
[[phase]]
task = "orders"
manual = true
[[phase]]
task = "items"
manual = true
[[phase]]
task = "report"
dependsOn = ["orders", "items"]
join = "{meta:shop}"
template = "{meta:o} {meta:i}"
"""
HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture
def flow(files):
    files.write(SHOP)
    return Flow(files)


def done(type, day):
    meta = f"workflow=shop.toml&shop=de&{type[0]}={day}"
    return told(type, id=f"{type}{day}", meta=meta)


def pass_until(flow, seconds):
    """Let time pass until so long after the start; return the infos of reports."""
    left = START.timestamp() + seconds - flow.clock.time()
    sent = flow.pass_time(seconds=left)
    return [task.info for task, topic in sent if topic == "report"]


def test_parents_of_one_day_meet_for_weeks(flow):
    """Also when one comes later than usual, and what fired a week ago is forgotten."""
    reports = []
    for day in range(1, 15):
        late = 2 * HOUR if day == 8 else 0.0
        reports += pass_until(flow, day * DAY + 5 * HOUR)
        flow.follow(done("orders", day))
        reports += pass_until(flow, day * DAY + 6 * HOUR + late)
        flow.follow(done("items", day))
        reports += pass_until(flow, day * DAY + 10 * HOUR)
    assert reports == [f"{day} {day}" for day in range(1, 15)]
    assert flow.store.joins.waiting() == []


def test_a_parent_may_come_often_before_the_other_does(flow):
    """Then each is met in its turn; what comes twice is there once."""
    orders, items = (
        [done(it, day) for day in range(1, 1201)] for it in ("orders", "items")
    )
    for some in (orders[:400], orders[400:800], orders[800:], orders[:400]):
        flow.follow(*some)
        flow.clock.advance(1)
    infos = [it.info for it in flow.after(*items[:400])]
    infos += [it.info for it in flow.after(*items[400:800])]
    infos += [it.info for it in flow.after(*items[800:])]
    assert infos == [f"{day} {day}" for day in range(1, 1201)]
    assert flow.after(*orders[::100], *items[::100]) == []


def old_row(flow, key, task, *, fired=False):
    """Write a parent as versions did that counted rounds."""
    now = flow.clock.time()
    row = {"workflow": "shop.toml", "phase": "report", "key": key}
    row |= {"parent": task.type, "body": encode_task(task), "arrived": now}
    with flow.store._database.writing() as connection:
        new = JOIN.insert().values(**row, fired=now if fired else None)
        connection.execute(new)
    flow.clock.advance(1)


def test_what_older_versions_wrote_is_met_and_fires_once(flow):
    """Whichever round it was in; what fired there fires no more."""
    old_row(flow, "de", done("orders", 1), fired=True)
    old_row(flow, "de", done("items", 1), fired=True)
    for name in ("orders", "items"):
        old_row(flow, "de (round 3)", done(name, 3), fired=True)
    old_row(flow, "de (round 8)", done("orders", 8))
    old_row(flow, "de (round 9)", done("orders", 9))
    again = [done(name, day) for name in ("orders", "items") for day in (1, 3)]
    assert flow.after(*again, done("orders", 8)) == []
    sent = flow.after(done("items", 8), done("items", 9))
    assert [it.info for it in sent] == ["8 8", "9 9"]
    assert {it.key for it in flow.store.joins.holding(b"shop.toml")} == {"de"}


def test_what_waits_in_its_first_round_since_an_older_version_is_met(flow):
    """As it stands there."""
    old_row(flow, "de", done("items", 1))
    assert flow.after(done("items", 1)) == []
    (report,) = flow.after(done("orders", 1))
    assert report.info == "1 1"
    assert flow.after(done("items", 1), done("orders", 1)) == []


def test_each_that_waits_too_long_is_told(flow, files):
    """Though others of its key wait as well; once each."""
    files.write(SHOP.replace('join = "', 'join_within = "12h"\njoin = "'))

    def alerts(hours):
        sent = flow.pass_time(hours=hours)
        return [task.msg.partition(" waits for ")[2] for task, _ in sent]

    flow.follow(done("orders", 1))
    assert alerts(11) == []
    flow.follow(done("orders", 2))
    told = "items of de; orders arrived in time"
    assert alerts(2) == [told]
    assert alerts(9) == []
    assert alerts(2) == [told]
    assert alerts(30) == []


RUN = """
[[phase]]
task = "a"
manual = true
[[phase]]
task = "b"
dependsOn = "a"
batch = { meta = { shop = ["de", "fr"] } }
[[phase]]
task = "c"
dependsOn = "b"
meta = { one = "1" }
[[phase]]
task = "d"
dependsOn = "b"
[[phase]]
task = "e"
dependsOn = ["c", "d"]
template = "{meta:shop}"
keep = ["shop"]
"""


def test_tasks_of_one_run_meet_those_of_their_row_of_a_batch(files):
    """Whichever comes first."""
    files.write(RUN)
    flow = Flow(files)

    def ended(type, shop, row):
        meta = f"workflow=shop.toml&shop={shop}&batch_row={row}"
        return told(type, meta=meta)

    first = [ended("c", "de", 0), ended("d", "fr", 1)]
    assert flow.after(*first) == []
    sent = flow.after(ended("d", "de", 0), ended("c", "fr", 1))
    assert [(it.info, meta_of(it)["batch_row"]) for it in sent] == [
        ("de", "0"),
        ("fr", "1"),
    ]


def test_a_name_may_look_like_one_with_its_digest(flow):
    """The last part of it counts."""
    task = done("orders", 1)
    which = which_of(task)
    joins = flow.store.joins
    row = ("k", f"a #{which}", which, b"")
    with flow.store.transaction():
        joins.arrive_all("w", "p", [row])
    (found,) = joins.known("w", "p", [row[:3]])
    assert (found.parent, found.which) == (f"a #{which}", which)
    assert named("a", "") == "a"
