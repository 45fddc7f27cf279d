"""Rules of the taskmaster: each firing is sent, and none forgotten."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from task_taskmaster_cron.plugin import Missed, Options, cron
from task_taskmaster_cron.taskmaster import CronTaskmaster, Rehearsal
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import OptionError, SendError, Taskmaster

HOURLY = 'cron = "@hourly"\ntype = "load"\ntemplate = "{hh}"\n'


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


DAY = utc(2026, 1, 5)


def infos(sent):
    return [info for _, info, _ in sent]


def hours(first, last):
    return [f"{hour:02}" for hour in range(first, last)]


class Breaking(RecordingBus):
    """Confirms some messages, then none."""

    def __init__(self, good):
        super().__init__()
        self.good = good

    def record(self, call, things=()):
        if call == "send" and len(self.sent) >= self.good:
            raise SendError("the broker is gone", [0])
        super().record(call, things)


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


def test_a_restart_without_missed_firings_changes_nothing(place, missed):
    """None is forgotten, none comes twice, whatever the policy."""
    place.write(HOURLY)
    found = []
    for start in range(0, 6 * 60, 20):
        begin = DAY + timedelta(minutes=start)
        found += place.run(begin, begin + timedelta(minutes=20), missed=missed)
    assert infos(found) == hours(1, 6)


def test_a_restart_at_the_moment_of_a_firing_loses_none(place, missed):
    """Up to a minute late, a firing is late and not missed."""
    place.write(HOURLY)
    place.run(DAY, utc(2026, 1, 5, 1, 30))
    late = utc(2026, 1, 5, 2, 1)
    sent = place.run(late, utc(2026, 1, 5, 2, 30), missed=missed)
    assert sent == [("2026-01-05T02:01:00Z", "02", "load")]


@pytest.mark.parametrize(
    ("missed", "made_up"),
    [(Missed.SKIP, []), (Missed.LAST, ["06"]), (Missed.ALL, hours(2, 7))],
    ids=str,
)
def test_missed_firings_are_made_up_for_as_the_policy_says(place, missed, made_up):
    """After hours in which nothing ran; then it goes on as ever."""
    place.write(HOURLY)
    assert infos(place.run(DAY, utc(2026, 1, 5, 1, 30))) == ["01"]
    begin, end = utc(2026, 1, 5, 6, 30), utc(2026, 1, 5, 8, 30)
    sent = place.run(begin, end, missed=missed)
    assert infos(sent) == [*made_up, "07", "08"]
    assert {created for created, _, _ in sent[:-2]} <= {"2026-01-05T06:30:00Z"}
    assert infos(place.run(end, end + timedelta(hours=1), missed=missed)) == ["09"]


def test_a_rule_has_its_own_policy(place):
    """Beside that of the option."""
    place.write(HOURLY, HOURLY.replace("load", "x") + 'missed = "all"')
    place.run(DAY, utc(2026, 1, 5, 1, 30))
    sent = place.run(utc(2026, 1, 5, 4, 30), utc(2026, 1, 5, 4, 40), missed=Missed.SKIP)
    assert [f"{topic}{info}" for _, info, topic in sent] == ["x02", "x03", "x04"]


@pytest.mark.parametrize(
    ("missed", "made_up"),
    [(Missed.SKIP, 1), (Missed.LAST, 1), (Missed.ALL, 3600)],
    ids=str,
)
def test_what_fires_each_second_comes_back_without_a_flood(place, missed, made_up):
    """Only who asks for all gets all. `skip` still takes the one that is due now."""
    place.write('cron = "* * * * * *"\ntype = "tick"\ntemplate = "{ts}"')
    place.run(DAY, DAY + timedelta(seconds=3))
    begin = DAY + timedelta(seconds=3602)
    sent = place.run(begin, begin + timedelta(seconds=1), missed=missed)
    assert len(sent) == made_up
    assert sent[-1][1] == "20260105T010002"


def test_a_machine_that_sleeps_misses_firings_too(place):
    """What counts is how late a firing is, not whether there was a restart."""
    place.write(HOURLY)
    clock = FakeClock(DAY.timestamp())

    def sleep():
        if clock.time() == utc(2026, 1, 5, 1, 30).timestamp():
            clock.advance(4 * 3600)

    clock.on_wait = sleep
    sent = run_taskmaster(place.make(), clock=clock, until=utc(2026, 1, 5, 7))
    assert [task.info for task, _ in sent] == ["01", "05", "06"]


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


def done(place):
    rules = json.loads(place.state.read_text())["rules"]
    return tuple(rule["done"] for rule in rules.values())


def test_a_new_rule_begins_from_now(place):
    """It misses nothing from before it was there, but remembers that it is there."""
    place.write(HOURLY + 'missed = "all"')
    assert place.run(DAY, utc(2026, 1, 5, 0, 30)) == []
    begin = utc(2026, 1, 5, 2, 30)
    assert infos(place.run(begin, utc(2026, 1, 5, 2, 40))) == ["01", "02"]


def test_a_changed_rule_begins_from_now(place):
    """The others go on."""
    other = HOURLY.replace("load", "x")
    place.write(HOURLY, other)
    place.run(DAY, utc(2026, 1, 5, 1, 30), missed=Missed.ALL)
    place.write(HOURLY + 'job = "j"', other)
    sent = place.run(utc(2026, 1, 5, 3, 30), utc(2026, 1, 5, 4, 30), missed=Missed.ALL)
    assert [f"{topic}{info}" for _, info, topic in sent] == [
        *("x02", "x03", "load04", "x04")
    ]


def test_a_state_from_the_future_is_told(place, caplog):
    """The clock was wrong, then or now; the rule is silent until that time."""
    place.write(HOURLY)
    place.run(DAY, utc(2026, 1, 5, 5, 30))
    assert infos(place.run(DAY, utc(2026, 1, 5, 6, 30))) == ["06"]
    assert "rule 1 (load, @hourly) is done up to 2026-01-05 05:00:00" in caplog.text


def test_missed_firings_are_told(place, caplog):
    """People want to know what was not done."""
    place.write(HOURLY)
    place.run(DAY, utc(2026, 1, 5, 1, 30))
    place.run(utc(2026, 1, 5, 6, 30), utc(2026, 1, 5, 6, 40), missed=Missed.SKIP)
    assert "rule 1 (load, @hourly) missed firings since 2026-01-05 02:00" in caplog.text


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
