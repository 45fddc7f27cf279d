"""Rules of the taskmaster: each firing is sent, and none forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from cron_buses import Breaking, Picky
from cron_days import DAY, HOURLY, done, hours, infos, utc
from task_taskmaster_cron.options import Options
from task_taskmaster_cron.plugin import cron
from task_taskmaster_cron.taskmaster import CronTaskmaster, Rehearsal
from task_testing import FakeClock, run_taskmaster

from task_core.api import OptionError, SendError, Taskmaster


def test_each_firing_is_sent_when_it_is_due(place):
    """Not earlier, not later, and none twice."""
    place.write(HOURLY + 'topic = "loads"')
    assert place.run(DAY, utc(2026, 1, 5, 3, 30)) == [
        (f"2026-01-05T0{hour}:00:00Z", f"0{hour}", "loads") for hour in (1, 2, 3)
    ]


def test_rules_that_fire_at_one_moment_are_all_sent(place):
    """In the order of the file, among those of other moments."""
    place.write(
        'cron = "0 */2 * * *"\ntype = "b"\ntemplate = "{hh}"',
        HOURLY.replace("load", "a"),
        'cron = "30 2 * * *"\ntype = "c"\ntemplate = "{hh}"',
    )
    sent = place.run(DAY, utc(2026, 1, 5, 4, 30))
    found = [f"{topic}{info}" for _, info, topic in sent]
    assert found == ["a01", "b02", "a02", "c02", "a03", "b04", "a04"]


def test_a_year_is_sent_whole_and_in_order(place):
    """Over two changes of clocks."""
    place.write(
        'cron = "30 2 * * *"\ntype = "a"\ntimezone = "Europe/Berlin"',
        'cron = "30 1 * * *"\ntype = "b"\ntimezone = "America/New_York"',
        'cron = "0 0 1 * *"\ntype = "c"',
    )
    sent = place.run(utc(2026, 1, 2), utc(2027, 1, 2))
    assert [created for created, _, _ in sent] == sorted(x for x, _, _ in sent)
    topics = [topic for _, _, topic in sent]
    assert {topic: topics.count(topic) for topic in "abc"} == {
        "a": 365,
        "b": 365,
        "c": 12,
    }
    assert len({(topic, created) for created, _, topic in sent}) == len(sent)


def test_what_was_not_confirmed_is_sent_after_the_restart(place, missed):
    """It is written down when the bus has it, never before."""
    place.write(HOURLY)
    bus = Breaking(2)
    with pytest.raises(SendError):
        place.run(DAY, utc(2026, 1, 5, 9), bus=bus)
    assert [sent.topic for sent in bus.sent] == ["load"] * 2
    begin = utc(2026, 1, 5, 3) + timedelta(seconds=30)
    sent = place.run(begin, utc(2026, 1, 5, 4, 30), missed=missed)
    assert infos(sent) == ["03", "04"]


def test_a_rule_whose_task_the_bus_refuses_holds_up_no_other(place, caplog):
    """It is told each time; and a start has nothing to make up for that fails again."""
    place.write(HOURLY.replace("load", "load it"), HOURLY)
    assert infos(place.run(DAY, utc(2026, 1, 5, 2, 30), bus=Picky())) == ["01", "02"]
    begin = utc(2026, 1, 5, 4, 30)
    assert infos(place.run(begin, begin, bus=Picky())) == ["04"]
    told = " cannot be sent, and is left out: 'load it' is no topic"
    told = [it for it in caplog.messages if it.endswith(told)]
    assert len(told) == 3


def test_what_was_made_up_for_before_a_failure_is_not_sent_again(place):
    """The state is written on every way out."""
    place.write(HOURLY + 'missed = "all"')
    place.run(DAY, utc(2026, 1, 5, 1, 30))
    begin = utc(2026, 1, 5, 9, 30)
    with pytest.raises(SendError):
        place.run(begin, begin, bus=Breaking(3))
    assert infos(place.run(begin, begin + timedelta(minutes=1))) == hours(5, 10)


def test_a_firing_is_on_the_disk_before_the_next_wait(place):
    """What is killed while it waits has nothing to send again, of any rule."""
    place.write(HOURLY, HOURLY.replace("load", "x"))
    clock = FakeClock(DAY.timestamp())
    seen = []
    clock.on_wait = lambda: seen.append(done(place))
    run_taskmaster(place.make(), clock=clock, until=utc(2026, 1, 5, 3))
    assert sorted(set(seen)) == [
        (f"2026-01-05T0{hour}:00:00Z",) * 2 for hour in range(3)
    ]


def test_two_of_them_on_one_state_are_refused(place):
    """They would send everything twice; when the first has ended all is well."""
    place.write(HOURLY)
    with place.make()._ledger.state.locked():
        with pytest.raises(OptionError, match="in use by another taskmaster cron"):
            place.run(DAY, DAY)
        place.run(DAY, DAY, state=place.state.with_name("other.json"))
    place.run(DAY, DAY)


def test_who_waited_for_another_goes_on_where_that_one_ended(place):
    """And not where it stood when this one was started."""
    place.write(HOURLY)
    late = place.make()
    place.run(DAY, utc(2026, 1, 5, 2, 30))
    clock = FakeClock(utc(2026, 1, 5, 2, 30).timestamp())
    sent = run_taskmaster(late, clock=clock, until=utc(2026, 1, 5, 3, 30))
    assert [task.info for task, _ in sent] == ["03"]


def test_a_state_that_cannot_be_written_is_told_at_the_start(place, tmp_path):
    """Before anything is sent."""
    place.write(HOURLY)
    with pytest.raises(OptionError, match="cannot write state .*: No such file"):
        place.run(DAY, DAY, state=tmp_path / "nowhere" / "state.json")


def test_a_state_that_cannot_be_written_later_stops_nothing(place, caplog):
    """A full disk must not end what still can be sent; it is told each time."""
    place.write(HOURLY)
    clock = FakeClock(DAY.timestamp())
    blocker = place.state.with_name("rules.state.json.new")
    clock.on_wait = lambda: blocker.mkdir(exist_ok=True)
    sent = run_taskmaster(place.make(), clock=clock, until=utc(2026, 1, 5, 2, 30))
    assert [task.info for task, _ in sent] == ["01", "02"]
    assert caplog.text.count("cannot write state") >= 2


def test_a_damaged_state_is_told_before_anything_is_sent(place):
    """The taskmaster is not even made."""
    place.write(HOURLY)
    place.state.write_text("{")
    with pytest.raises(OptionError, match=r"rules\.state\.json is damaged"):
        place.make()


def test_the_state_may_be_elsewhere(place, tmp_path):
    """Where the option says."""
    place.write(HOURLY)
    place.run(DAY, DAY, state=tmp_path / "kept.json")
    assert [file.name for file in tmp_path.glob("*.json")] == ["kept.json"]


def test_info_tells_the_next_firing_of_each_rule(place):
    """On the clock of its zone."""
    place.write(HOURLY + 'timezone = "Asia/Tokyo"')
    taskmaster = place.make()
    assert taskmaster.info() == {"rules": []}
    run_taskmaster(
        taskmaster, clock=FakeClock(DAY.timestamp()), until=utc(2026, 1, 5, 1, 30)
    )
    assert taskmaster.info() == {
        "rules": [
            {
                "rule": 1,
                "cron": "@hourly",
                "timezone": "Asia/Tokyo",
                "type": "load",
                "topic": "load",
                "done": "2026-01-05T10:00:00+09:00",
                "next": "2026-01-05T11:00:00+09:00",
            }
        ]
    }


def test_a_dry_run_shows_the_next_firings_and_sends_nothing(place, capsys):
    """And leaves no state behind."""
    place.write(HOURLY, 'cron = "30 2 * * *"\ntype = "x"\ntimezone = "Asia/Tokyo"')
    start = datetime(2026, 1, 4, 16, 10, tzinfo=UTC)
    assert place.run(start, start + timedelta(days=9), dry_run=3) == []
    assert capsys.readouterr().out == (
        "2026-01-04T17:00:00+00:00  load  17\n"
        "2026-01-05T02:30:00+09:00  x\n"
        "2026-01-04T18:00:00+00:00  load  18\n"
    )
    assert not place.state.exists()


def test_the_manifest_makes_what_the_options_ask_for(place):
    """A taskmaster, or one that only shows."""
    place.write(HOURLY)
    assert isinstance(cron.make(Options(rules=place.rules)), CronTaskmaster)
    rehearsal = cron.make(Options(rules=place.rules, dry_run=1))
    assert isinstance(rehearsal, Rehearsal)
    assert isinstance(rehearsal, Taskmaster)
    with pytest.raises(ValueError, match="dry_run"):
        Options(rules=place.rules, dry_run=-1)
