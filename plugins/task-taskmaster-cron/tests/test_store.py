"""Several instances on one store: each firing is sent once, whoever sends it."""

import pytest
from cron_buses import Breaking, Picky
from cron_days import DAY, HOURLY, hours, infos, utc
from task_rules.missed import Missed
from task_store import StoreAwayError, StoreError, open_store
from task_taskmaster_cron.by_store import StoreLedger
from task_taskmaster_cron.rules import read_rules
from task_taskmaster_cron.taskmaster import CronTaskmaster
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import SendError

SLOW_DISK = 300.0
"""Real seconds that a run may take: what it keeps is brought to disk."""


@pytest.fixture
def run(place, tmp_path):
    """Run one instance for a while; return what it sent, and when."""

    def run(start, until, bus=None, store=None, before=(), **options):
        clock = FakeClock(start.timestamp())
        rules = read_rules(
            place.rules, timezone="UTC", missed=options.get("missed", Missed.LAST)
        )
        store = store or open_store(str(tmp_path / "store.db"), clock=clock)
        taskmaster = CronTaskmaster(rules, StoreLedger(store, dict(before)))
        sent = run_taskmaster(
            taskmaster,
            clock=clock,
            until=until,
            bus=bus or RecordingBus(),
            patience=SLOW_DISK,
        )
        return [(task.created, task.info, topic) for task, topic in sent]

    return run


def test_what_one_instance_has_sent_no_other_sends(place, run):
    """The second one comes along the same hours."""
    place.write(HOURLY)
    assert infos(run(DAY, utc(2026, 1, 5, 3, 30))) == hours(1, 4)
    assert run(utc(2026, 1, 5, 0, 30), utc(2026, 1, 5, 3, 30)) == []
    assert infos(run(utc(2026, 1, 5, 3, 30), utc(2026, 1, 5, 4, 30))) == ["04"]


def test_who_begins_beside_another_owes_what_fires_in_between(place, run):
    """The other one, which began a moment before a firing, may be killed before it."""
    place.write(HOURLY)
    begin = utc(2026, 1, 5, 1, 0, 2)
    clock = FakeClock(begin.timestamp())
    store = open_store(str(place.rules.with_name("store.db")), clock=clock)
    load, others = store.progress.load, [utc(2026, 1, 5, 0, 59, 58)]

    def load_before_the_other(scope):
        found = load(scope)
        while others:
            start = others.pop()
            assert run(start, start.replace(second=59)) == []
        return found

    store.progress.load = load_before_the_other
    assert infos(run(begin, begin.replace(second=3), store=store)) == ["01"]


def test_what_was_claimed_and_not_sent_is_sent_by_another_within_a_lease(place, run):
    """With the bytes of the claim, so also with its `created`."""
    place.write(HOURLY)
    with pytest.raises(SendError):
        run(DAY, utc(2026, 1, 5, 9), bus=Breaking(2))
    begin = utc(2026, 1, 5, 3, 0, 5)
    ((created, info, topic),) = run(begin, utc(2026, 1, 5, 3, 0, 30))
    assert (created, info, topic) == ("2026-01-05T03:00:00Z", "03", "load")


def test_a_rule_whose_task_the_bus_refuses_holds_up_no_other(place, run, caplog):
    """Those of its moment go, and it is tried once an hour, by whoever comes."""
    caplog.set_level("INFO")
    place.write(HOURLY.replace("load", "load it"), HOURLY)
    assert infos(run(DAY, utc(2026, 1, 5, 2, 30), bus=Picky())) == ["01", "02"]
    assert caplog.text.count("'load it' is no topic") >= 2
    assert caplog.text.count(" fired: ") == 2, "and not those that were refused"


@pytest.mark.parametrize(
    ("missed", "made_up"), [("skip", []), ("last", ["08"]), ("all", hours(2, 9))]
)
def test_what_all_instances_have_missed_is_made_up_for_once(
    place, run, missed, made_up
):
    """By the first one that comes back."""
    place.write(HOURLY)
    run(DAY, utc(2026, 1, 5, 1, 30), missed=Missed(missed))
    begin = utc(2026, 1, 5, 8, 30)
    assert infos(run(begin, begin.replace(minute=40), missed=Missed(missed))) == made_up
    assert run(begin, begin.replace(minute=40), missed=Missed(missed)) == []


def test_an_instance_that_slept_does_not_make_up_for_what_others_did(place, run):
    """It looks into the store before it thinks that anything was missed."""
    place.write(HOURLY)
    clock_of_other = iter([lambda: run(DAY, utc(2026, 1, 5, 5, 30))])
    bus, slept = RecordingBus(), []
    clock = FakeClock(DAY.timestamp())
    rules = read_rules(place.rules, timezone="UTC", missed=Missed.ALL)
    store = open_store(str(place.rules.with_name("store.db")), clock=clock)

    def sleep():
        for other in clock_of_other:
            slept.append(len(other()))
            clock.advance(5.6 * 3600)

    clock.on_wait = sleep
    sent = run_taskmaster(
        CronTaskmaster(rules, StoreLedger(store, {})),
        clock=clock,
        until=utc(2026, 1, 5, 6, 30),
        bus=bus,
    )
    assert slept == [5]
    assert [task.info for task, _ in sent] == ["06"]


def test_the_state_file_of_a_single_instance_is_gone_on_with(place, run):
    """Who moves to a store neither forgets nor repeats anything."""
    place.write(HOURLY)
    place.run(DAY, utc(2026, 1, 5, 2, 30))
    taskmaster = place.make(store=str(place.rules.with_name("store.db")), missed="all")
    clock = FakeClock(utc(2026, 1, 5, 4, 30).timestamp())
    sent = run_taskmaster(taskmaster, clock=clock, until=utc(2026, 1, 5, 4, 40))
    assert [task.info for task, _ in sent] == ["03", "04"]
    assert run(utc(2026, 1, 5, 4, 30), utc(2026, 1, 5, 4, 40)) == []


def test_the_wrong_clock_of_another_does_not_silence_one_that_slept(place, run):
    """What it reads when it wakes is done up to next year."""
    place.write(HOURLY)
    clock = FakeClock(DAY.timestamp())
    rules = read_rules(place.rules, timezone="UTC", missed=Missed.LAST)
    store = open_store(str(place.rules.with_name("store.db")), clock=clock)
    others = [utc(2027, 1, 5)]

    def sleep():
        while others:
            start = others.pop()
            run(start, start.replace(hour=1, minute=30))
            clock.advance(2.5 * 3600)

    clock.on_wait = sleep
    taskmaster = CronTaskmaster(rules, StoreLedger(store, {}))
    until = utc(2026, 1, 5, 4, 30)
    sent = run_taskmaster(taskmaster, clock=clock, until=until, bus=RecordingBus())
    assert [task.info for task, _ in sent] == ["03", "04"]


def test_a_clock_that_was_ahead_is_told_and_the_rules_go_on_from_now(
    place, run, caplog
):
    """With a store too: what is done up to next year must not silence a rule."""
    place.write(HOURLY)
    run(utc(2027, 1, 5), utc(2027, 1, 5, 1, 30))
    assert infos(run(DAY, utc(2026, 1, 5, 2, 30))) == ["01", "02"]
    assert "the clock was wrong" in caplog.text


def test_a_store_that_is_away_is_waited_for_and_its_firings_are_made_up_for(
    place, run, tmp_path, caplog
):
    """One line when it goes, and one when it is back."""
    place.write(HOURLY)
    clock = FakeClock(DAY.timestamp())
    store = open_store(str(tmp_path / "store.db"), clock=clock)
    real, tries = store.claim, [StoreAwayError("the store is away")] * 5

    def claim(claims):
        if tries:
            raise tries.pop()
        return real(claims)

    store.claim = claim
    rules = read_rules(place.rules, timezone="UTC", missed=Missed.LAST)
    taskmaster = CronTaskmaster(rules, StoreLedger(store, {}))
    sent = run_taskmaster(taskmaster, clock=clock, until=utc(2026, 1, 5, 2, 30))
    assert [task.info for task, _ in sent] == ["01", "02"]
    assert caplog.text.count("trying again until it is back") == 1
    assert caplog.text.count("the store is back after") == 1


def test_a_stop_while_the_store_is_away_is_no_error(place, tmp_path):
    """Somebody wants it to end, and nothing is lost by it."""
    place.write(HOURLY)
    clock = FakeClock(DAY.timestamp())
    store = open_store(str(tmp_path / "store.db"), clock=clock)

    def claim(_):
        raise StoreAwayError("the store is away")

    store.claim = claim
    rules = read_rules(place.rules, timezone="UTC", missed=Missed.LAST)
    taskmaster = CronTaskmaster(rules, StoreLedger(store, {}))
    assert run_taskmaster(taskmaster, clock=clock, until=utc(2026, 1, 5, 2)) == []


def test_what_is_no_store_is_told_before_anything_is_sent(place):
    """In one line."""
    place.write(HOURLY)
    with pytest.raises(StoreError, match="a store is a path, sqlite:PATH, or"):
        place.make(store="mysql://somewhere/x")
