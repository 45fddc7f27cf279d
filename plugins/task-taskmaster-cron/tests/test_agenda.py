"""Rules of `agenda`: what is made up for, and what a clock may do."""

import json
from datetime import timedelta

import pytest
from cron_days import DAY, HOURLY, done, hours, infos, utc
from task_rules.missed import Missed
from task_taskmaster_cron.agenda import Entry
from task_testing import FakeClock, RecordingBus, run_taskmaster


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


def test_a_state_from_the_future_is_told_and_goes_on_from_now(place, caplog):
    """The clock was wrong then; silence until that time would be worse."""
    place.write(HOURLY)
    place.run(utc(2027, 1, 5), utc(2027, 1, 5, 5, 30), missed=Missed.SKIP)
    assert infos(place.run(DAY, utc(2026, 1, 5, 2, 30))) == ["01", "02"]
    assert "rule 1 (load, @hourly) is done up to 2027-01-05 05:00:00" in caplog.text
    assert caplog.text.count("goes on from now") == 1
    place.run(utc(2026, 1, 5, 2, 30), utc(2026, 1, 5, 2, 40))
    assert caplog.text.count("goes on from now") == 1


@pytest.mark.parametrize(
    ("date", "cron"),
    [
        ("9999-12-31T23:59:59Z", "@hourly"),
        ("9999-12-31T23:59:59Z", "0 1-23 * * *"),
        ("9999-12-31T23:59:59Z", "@every 1h"),
        ("0001-01-01T00:00:00Z", "@hourly"),
        ("0001-01-01T00:00:00Z", "0 1-23 * * *"),
        ("0001-01-01T00:00:00+10:00", "@every 1h"),
    ],
)
def test_a_state_from_an_end_of_the_calendar_is_told_as_well(place, caplog, date, cron):
    """No clock of its zone shows the next firing, or that date."""
    place.write(HOURLY.replace("@hourly", cron) + 'timezone = "America/New_York"')
    place.run(DAY, DAY + timedelta(minutes=1))
    (before,) = done(place)
    place.state.write_text(place.state.read_text().replace(before, date))
    sent = place.run(DAY, utc(2026, 1, 5, 2, 30))
    assert len(sent) == 2
    (told,) = [it for it in caplog.messages if "goes on from now" in it]
    why = "yet to come" if date > "2026" else "out of its zone's calendar"
    assert f"which is {why}: the clock was wrong" in told
    assert done(place) == ("2026-01-05T02:00:00Z",)


def test_a_clock_that_was_ahead_for_seconds_silences_nothing(place, caplog):
    """While it runs; the state that it leaves is that of the right time."""
    place.write(HOURLY)
    year = 365 * 24 * 3600
    clock, bus = FakeClock(DAY.timestamp()), RecordingBus()

    def jump():
        passed = clock.time() - DAY.timestamp()
        if passed == 4200:
            clock._time += year
        elif passed > year:
            clock._time -= year
        elif passed > 3.5 * 3600:
            raise EOFError

    clock.on_wait = jump
    with pytest.raises(EOFError):
        run_taskmaster(place.make(), clock=clock, bus=bus)
    infos = [json.loads(sent.body)["info"] for sent in bus.sent]
    assert infos == ["01", "01", "02", "03"]
    assert "goes on from now" in caplog.text
    assert done(place) == ("2026-01-05T03:00:00Z",)


def test_what_is_done_up_to_a_little_later_is_not_sent_again(place, missed):
    """A clock that is put right by minutes repeats nothing."""
    place.write(HOURLY)
    place.run(DAY, utc(2026, 1, 5, 1, 10))
    begin = utc(2026, 1, 5, 0, 50)
    assert infos(place.run(begin, utc(2026, 1, 5, 2, 10), missed=missed)) == ["02"]


def test_many_rules_that_are_due_at_once_are_looked_at_once_each(place, monkeypatch):
    """Not each of them for each: thousands would take minutes."""
    place.write(*[HOURLY + f'job = "{n}"' for n in range(300)])
    looks = []
    pass_missed = Entry.pass_missed

    def count(entry, now):
        looks.append(entry)
        return pass_missed(entry, now)

    monkeypatch.setattr(Entry, "pass_missed", count)
    place.run(DAY, DAY)
    late = utc(2026, 1, 5, 1, 30)
    assert len(place.run(late, late)) == 300
    assert len(looks) == 300


def test_missed_firings_are_told(place, caplog):
    """People want to know what was not done."""
    place.write(HOURLY)
    place.run(DAY, utc(2026, 1, 5, 1, 30))
    place.run(utc(2026, 1, 5, 6, 30), utc(2026, 1, 5, 6, 40), missed=Missed.SKIP)
    assert "rule 1 (load, @hourly) missed firings since 2026-01-05 02:00" in caplog.text
