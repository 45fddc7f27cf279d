"""Rules of time: firings, what was missed, overlap, retries, deadlines."""

from datetime import timedelta

import pytest
from flows import START, Flow, done, meta_of
from task_testing import RecordingBus, run_taskmaster

from task_core.api import BusError, encode_task

HOURLY = '[[phase]]\ntask = "a:b"\ncron = "@hourly"\ntemplate = "{hh}"\n'


def infos(sent):
    return [task.info for task, _ in sent]


def test_a_firing_sends_a_task_with_its_meta(files):
    """To the topic of its type."""
    files.write(HOURLY + 'offset = "-1h"\nmeta = { k = "v" }\n')
    ((task, topic),) = Flow(files).pass_time(hours=1, seconds=1)
    assert (topic, task.type, task.job, task.info) == ("a", "a", "b", "00")
    assert meta_of(task) == {
        "workflow": "shop.toml",
        "cron": "2026-01-05T00",
        "job": "b",
        "k": "v",
    }


def test_zones_are_those_of_the_phase(files):
    """Of the file, of the phase, or in front of the fields."""
    files.write(
        'timezone = "Europe/Berlin"\n'
        '[[phase]]\ntask = "a"\ncron = "0 5 * * *"\ntemplate = "{hh}"\n'
        '[[phase]]\ntask = "b"\ncron = "0 5 * * *"\ntemplate = "{hh}"\n'
        'timezone = "Asia/Tokyo"\n'
        '[[phase]]\ntask = "c"\ncron = "TZ=UTC 0 5 * * *"\n'
    )
    sent = Flow(files).pass_time(days=1)
    assert [(it.type, it.created[11:16]) for it, _ in sent] == [
        *(("a", "04:00"), ("c", "05:00"), ("b", "20:00")),
    ]
    assert [it.info for it, _ in sent] == ["05", "", "05"]


@pytest.mark.parametrize(
    ("keys", "made_up"),
    [
        ('missed = "last"', ["05"]),
        ('missed = "skip"', []),
        ('missed = "all"', ["02", "03", "04", "05"]),
        ('missed = "all"\nmissed_window = "2h"', ["04", "05"]),
        ('missed = "last"\nmissed_window = "10m"', []),
    ],
)
def test_what_was_missed_is_made_up_for_as_told(files, keys, made_up):
    """After a time in which nothing ran; no firing comes twice."""
    files.write(HOURLY + keys)
    flow = Flow(files)
    assert infos(flow.pass_time(hours=1, minutes=30)) == ["01"]
    flow.clock.advance(4 * 3600)
    assert infos(flow.pass_time(minutes=10)) == made_up
    assert infos(flow.pass_time(minutes=30)) == ["06"]


def test_a_second_instance_sends_nothing_twice(files):
    """Both are on one store."""
    files.write(HOURLY)
    flow = Flow(files)
    first = flow.pass_time(hours=5, seconds=1)
    flow.clock._time = START.timestamp()
    assert (len(first), flow.pass_time(hours=5, seconds=1)) == (5, [])


def test_who_begins_beside_another_owes_what_fires_in_between(files):
    """The other one, which began a moment before a firing, may be killed before it."""
    files.write(HOURLY)
    first = Flow(files, START + timedelta(minutes=59, seconds=58))
    second = Flow(files, START + timedelta(hours=1, seconds=2))
    load, begins = second.store.progress.load, [first]

    def load_before_the_other(scope):
        found = load(scope)
        while begins:
            assert begins.pop().pass_time(seconds=1) == []
        return found

    second.store.progress.load = load_before_the_other
    assert infos(second.pass_time(seconds=1)) == ["01"]


def test_what_could_not_be_sent_is_sent_later_with_the_same_bytes(files):
    """The claim outlives the process."""
    files.write(HOURLY)
    flow = Flow(files)

    class Broken(RecordingBus):
        def _producer(self):
            raise BusError("no")

    with pytest.raises(BusError):
        flow.pass_time(bus=Broken(), hours=1, seconds=1)
    (held,) = flow.store.take_over(5) or [None]
    flow.clock.advance(60)
    ((task, _),) = flow.pass_time(seconds=5)
    assert task.info == "01"
    assert held is None or task.id.encode() in held.body


@pytest.mark.parametrize(
    ("overlap", "before", "after"),
    [
        ("allow", ["01", "02", "03"], ["04"]),
        ("skip", ["01"], ["04"]),
        ("wait", ["01"], ["02"]),
    ],
)
def test_a_firing_while_the_one_before_is_at_work(files, overlap, before, after):
    """Is sent, left out, or waits."""
    files.write(HOURLY + f'overlap = "{overlap}"\nmissed = "all"\n')
    flow = Flow(files)
    sent = flow.pass_time(hours=3, minutes=5)
    assert infos(sent) == before
    for task, _ in sent:
        ended = done("a", job="b", id=task.id, created=task.created, meta=task.meta)
        flow.follow(ended)
    assert infos(flow.pass_time(hours=1))[:1] == after


@pytest.mark.parametrize(("missed", "after"), [("last", ["03"]), ("all", ["02", "03"])])
def test_a_phase_that_rests_does_not_fire_until_it_goes_on(files, missed, after):
    """Then its `missed` counts; others fire in between."""
    other = '[[phase]]\ntask = "c"\ncron = "@hourly"\n'
    files.write(HOURLY + f'missed = "{missed}"\n{other}')
    flow = Flow(files)
    name = flow.make()._library.book.phases[0].pause
    assert infos(flow.pass_time(hours=1, minutes=5)) == ["01", ""]
    flow.store.pauses.pause(name, "ada", "the source is down")
    assert infos(flow.pass_time(hours=2)) == ["", ""]
    flow.store.pauses.resume(name)
    assert infos(flow.pass_time(minutes=10)) == after


def test_retries_come_later_each_time_and_then_it_failed(files):
    """The delay doubles up to its limit; id, job and meta stay."""
    files.write(HOURLY + 'retry = 3\nretry_delay = "10s"\nretry_max = "15s"\n')
    flow = Flow(files)
    meta = "workflow=shop.toml&k=v&job=b"
    task = done("a", job="b", result="error", meta=meta, msg="no")
    delays = []
    for number in (1, 2, 3):
        begin = flow.clock.time()
        flow.follow(task)
        ((again, topic),) = flow.pass_time(seconds=30)
        assert (topic, again.id, again.job) == ("a", "run-1", "b")
        assert meta_of(again).items() >= {"retry": str(number), "k": "v"}.items()
        delays.append(float(meta_of(again)["delayed"].rstrip("s")))
        assert flow.clock.time() - begin >= delays[-1]
        task = done(
            "a", job="b", result="error", meta=again.meta, created=again.created
        )
    assert 10 <= delays[0] <= 14
    assert all(15 <= delay <= 21 for delay in delays[1:])
    flow.follow(task, task)
    ((failed, topic),) = flow.pass_time(seconds=30)
    assert (topic, failed.result) == ("retry-failed", "error")
    assert meta_of(failed).items() >= {"retry": "failed", "retried": "3"}.items()


def test_a_retry_survives_a_restart(files):
    """Flowlord keeps it in memory alone."""
    files.write(HOURLY + 'retry = 1\nretry_delay = "30m"\n')
    flow = Flow(files)
    flow.follow(done("a", job="b", result="error"))
    assert flow.pass_time(minutes=25) == []
    assert [it.info for it, _ in flow.pass_time(minutes=25)] == [""]


def test_what_is_not_done_in_time_is_told(files):
    """Once; what is done in time is not, and a retry is the same work."""
    files.write(HOURLY + 'deadline = "10m"\nretry = 1\nretry_delay = "1m"\n')
    flow = Flow(files)
    ((first, _),) = flow.pass_time(hours=1, seconds=5)
    flow.follow(done("a", job="b", id=first.id, created=first.created, info=first.info))
    assert infos(flow.pass_time(minutes=30)) == []
    ((second, _),) = flow.pass_time(minutes=30)
    failed = done("a", "02", "error", second.meta, job="b", id=second.id)
    flow.follow(failed)
    sent = flow.pass_time(minutes=15)
    assert [(topic, it.result) for it, topic in sent] == [
        ("a", ""),
        ("alerts", "alert"),
    ]
    assert "not done within 10m0s after it was sent" in sent[1][0].msg
    assert sent[1][0].ended == "2026-01-05T02:10:00Z", "when it is told"


def test_a_batch_sends_a_task_for_each_row_and_date(files):
    """The newest first when its range goes back."""
    keys = 'batch = { meta = { s = ["de", "fr"] }, for = "-24h" }\n'
    files.write(
        HOURLY.replace("@hourly", "30 1 * * *").replace("{hh}", "{dd}{meta:s}") + keys
    )
    sent = Flow(files).pass_time(hours=2)
    assert infos(sent) == ["05de", "05fr", "04de", "04fr"]
    assert len({task.id for task, _ in sent}) == 4
    assert meta_of(sent[3][0]).items() >= {"cron": "2026-01-04T01", "s": "fr"}.items()


def test_a_batch_that_is_too_large_is_told_and_sends_nothing(files):
    """With its file and phase; others go on."""
    batch = 'batch = { for = "-9000h", by = "hour", max_tasks = 100 }\n'
    files.write(HOURLY + batch + HOURLY.replace("a:b", "c"))
    sent = Flow(files).pass_time(hours=1, seconds=2)
    assert sorted((it.type, it.result) for it, _ in sent) == [("a", "alert"), ("c", "")]
    told = next(it.msg for it, _ in sent if it.result)
    assert "shop.toml a:b: cannot fire: there are more than 100 dates" in told


def test_a_clock_that_was_ahead_silences_nothing(files):
    """Its phases go on from now."""
    files.write(HOURLY)
    flow = Flow(files, START + timedelta(days=9))
    flow.pass_time(hours=1, seconds=1)
    flow.clock._time = START.timestamp()
    assert infos(flow.pass_time(hours=1, seconds=1)) == ["01"]


def test_it_is_told_when_a_phase_was_complete_last(files):
    """By this process or the one before; what failed is no success."""
    text = "".join(f'[[phase]]\ntask = "{it}"\nmanual = true\n' for it in "ab")
    files.write(text)
    flow = Flow(files)
    taskmaster = flow.make()
    tasks = [done("a", ended="2026-01-04T23:59:00Z"), done("b", result="error")]
    bus = RecordingBus([encode_task(task) for task in tasks])
    run_taskmaster(taskmaster.follow, clock=flow.clock, bus=bus)
    until = START + timedelta(minutes=1)
    run_taskmaster(taskmaster.keep_time, clock=flow.clock, until=until)
    told = [
        {"workflow": "shop.toml", "phase": "a", "lag_seconds": None},
        {"workflow": "shop.toml", "phase": "b", "lag_seconds": None},
    ]
    told[0]["last_success"] = "2026-01-04T23:59:00+00:00"
    told[1]["last_success"] = ""
    assert taskmaster.info()["phases"] == told
    again = flow.make()
    later = START + timedelta(minutes=2)
    run_taskmaster(again.keep_time, clock=flow.clock, until=later)
    assert again.info()["phases"] == told


def test_it_is_told_how_late_a_phase_fires(files):
    """As long as it does not; and not while somebody has paused it."""
    files.write(HOURLY)
    flow = Flow(files)
    taskmaster = flow.make()
    until = START + timedelta(minutes=59)
    run_taskmaster(taskmaster.keep_time, clock=flow.clock, until=until)

    def lag():
        (phase,) = taskmaster.info()["phases"]
        return phase["lag_seconds"]

    assert lag() == 0
    flow.clock.advance(90)
    assert lag() == 30
    flow.store.pauses.pause("workflow shop.toml a:b")
    until = START + timedelta(hours=2)
    run_taskmaster(taskmaster.keep_time, clock=flow.clock, until=until)
    assert lag() == 0
