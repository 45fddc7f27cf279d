"""Failed tasks are sent again, later, and given up in the end."""

from datetime import UTC, datetime

import pytest
from task_store import StoreAwayError, StoreError, open_store
from task_taskmaster_retry.options import Options
from task_taskmaster_retry.plugin import retry
from task_taskmaster_retry.rules import read_rules
from task_taskmaster_retry.taskmaster import Rehearsal, Retry
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import Task, encode_task, parse_meta


def test_a_failed_task_is_sent_again_after_its_wait(place, failed):
    """As it was, with the count in its meta; and a copy to `retried`."""
    begin = place.clock.time()
    sent = place.run(failed())
    assert sorted(topic for _, topic in sent) == ["load", "retried"]
    for task, _ in sent:
        assert task == Task(
            type="load",
            job="orders",
            info="a.csv",
            id="7",
            created="2026-01-05T00:00:00Z",
            meta="cron=2026-01-05T00&retry=1",
        )
    assert place.clock.time() >= begin + 10


def test_the_wait_doubles_up_to_a_cap_and_jitter_is_added(place):
    """What failed together does not come back together."""
    place.rules.write_text(
        '[[rule]]\ntype = "load"\nretry = 9\nwait = "10s"\nmax_wait = "60s"\n'
    )
    (rule,) = read_rules(place.rules).rules
    assert [rule.delay(n, lambda: 0.0) for n in (0, 1, 2, 3, 9999)] == [
        10,
        20,
        40,
        60,
        60,
    ]
    assert rule.delay(0, lambda: 1.0) == 12
    assert rule.delay(3, lambda: 0.5) == 66


def test_what_has_failed_too_often_is_given_up(place, failed):
    """With its result, and how often it was tried."""
    ((task, topic),) = place.run(failed(meta="a=1&retry=3"))
    assert topic == "retry-failed"
    assert (task.result, task.msg, task.id) == ("error", "timeout", "7")
    assert parse_meta(task.meta) == {"a": ["1"], "retry": ["failed"], "retried": ["3"]}


def test_what_is_given_up_is_not_begun_anew(place, failed):
    """Its meta says so."""
    ((task, topic),) = place.run(failed(meta="retry=failed&retried=3"))
    assert topic == "retry-failed"
    assert parse_meta(task.meta) == {"retry": ["failed"], "retried": ["3"]}


@pytest.mark.parametrize("result", ["complete", "alert", "warn", ""])
def test_only_errors_are_sent_again(place, failed, result):
    """`alert` and `warn` say that it would not help."""
    assert place.run(failed(result=result)) == []


def test_what_no_rule_is_about_is_left_alone(place, failed):
    """Neither sent again nor given up."""
    assert place.run(failed(type="other")) == []


def test_the_first_rule_that_fits_counts(place, failed):
    """By type, job, and what is found in the message."""
    place.rules.write_text(
        'retried_topic = "-"\n'
        '[[rule]]\ntype = "load"\njob = "items"\nretry = 1\ntopic = "items"\n'
        '[[rule]]\ntype = "load"\nmatch = "timeout|429"\nretry = 1\ntopic = "slow"\n'
        '[[rule]]\ntype = "load"\nretry = 1\ntopic = "others"\n'
    )
    sent = place.run(
        failed(info="1", job="items"),
        failed(info="2", msg="HTTP 429: too many"),
        failed(info="3", msg="no such table"),
    )
    assert {task.info: topic for task, topic in sent} == {
        "1": "items",
        "2": "slow",
        "3": "others",
    }


def test_a_done_task_that_comes_twice_leads_to_one(place, failed):
    """In one list, or in the next process."""
    place.rules.write_text('retried_topic = "-"\n' + place.rules.read_text())
    assert len(place.run(failed(), failed())) == 1
    assert place.run(failed()) == []
    assert len(place.run(failed(meta="retry=1"))) == 1, "the next time is another"


def test_a_task_without_an_id_is_sent_again_each_time_that_it_fails(place, failed):
    """Each day's is the same to the byte; only its run tells it from yesterday's."""
    place.rules.write_text('retried_topic = "-"\n' + place.rules.read_text())
    for day in ("05", "06", "07"):
        times = dict.fromkeys(("started", "ended"), f"2026-01-{day}T00:00:01Z")
        one = failed(id="", created="", meta="", **times)
        assert len(place.run(one, one)) == 1
        assert place.run(one) == [], "the same run has failed once"


@pytest.mark.parametrize("retries", ["", "&retry=3"])
@pytest.mark.parametrize("id", ["7", ""])
def test_tasks_that_differ_in_their_meta_alone_are_told_apart(
    place, failed, id, retries
):
    """As those of a batch that follow one parent: each goes again, or is given up."""
    place.rules.write_text('retried_topic = "-"\n' + place.rules.read_text())
    rows = ["batch_row=0&shop=de", "batch_row=1&shop=fr"]
    both = [failed(id=id, meta=row + retries) for row in rows]
    sent = place.run(*both, *both)
    told = sorted(parse_meta(task.meta)["batch_row"] for task, _ in sent)
    assert told == [["0"], ["1"]]
    assert place.run(*both) == [], "each has failed once"


def test_its_info_tells_what_the_rules_have_done(place, failed):
    """And how much waits; a done task that comes twice counts once."""
    store = open_store(place.store, clock=place.clock)
    taskmaster = Retry(read_rules(place.rules), store)
    tasks = [failed(), failed(), failed(id="8"), failed(id="9", meta="retry=3")]
    bus = RecordingBus(map(encode_task, tasks))
    run_taskmaster(taskmaster._read, clock=place.clock, bus=bus)
    info = taskmaster.info()
    assert info["rules"] == [{"rule": "rule 1 (load)", "again": 2, "given up": 1}]
    assert info["store"] == store.name
    sending = Retry(read_rules(place.rules), store)
    now = datetime.fromtimestamp(place.clock.time(), UTC)
    run_taskmaster(sending._send, clock=place.clock, until=now)
    assert sending.info()["outbox"] == {"pending": 5, "due": 1}
    store.close()


def test_what_waits_survives_a_kill(place, failed, tmp_path):
    """The next process sends it, when it is due."""
    store = open_store(place.store, clock=place.clock)
    killed = Retry(read_rules(place.rules), store)
    bus = RecordingBus([encode_task(failed())])

    run_taskmaster(killed._read, clock=place.clock, bus=bus)
    assert store.pending() == 2
    store.close()
    assert bus.sent == []
    assert len(place.run()) == 2


def test_it_is_in_the_store_before_the_done_task_is_acknowledged(place, failed):
    """A store that is away until the end gives the done task back."""
    store = open_store(place.store, clock=place.clock)

    def queue(_):
        raise StoreAwayError("the store is away")

    store.queue = queue
    bus = RecordingBus([encode_task(failed())])
    acked = []
    bus_record = bus.record

    def record(call, things=()):
        acked.append(call)
        bus_record(call, things)

    bus.record = record
    run_taskmaster(
        Retry(read_rules(place.rules), store),
        clock=place.clock,
        bus=bus,
        until=datetime.fromtimestamp(place.clock.time() + 60, UTC),
    )
    assert "ack" not in acked
    store.close()


def test_every_line_names_its_task(place, failed, caplog):
    """By type and id, or by its info when it has no id, as the launcher does."""
    caplog.set_level("INFO")
    place.rules.write_text(
        '[[rule]]\ntype = "load"\nretry = 3\njitter = 0\n'
        '[[rule]]\ntype = "drop"\nretry = 0\n'
    )
    drop = failed(type="drop", id="8")
    place.run(failed(), failed(id="", info="b.csv"), drop)
    place.rules.write_text(f'retry_failed_topic = "-"\n{place.rules.read_text()}')
    place.run(failed(type="drop", id="", info="c.csv"))
    place.run(failed(type="drop", id="9", msg="x\ntask: forged"))
    assert [line for line in caplog.messages if line.startswith("task ")] == [
        "task load 7: rule 1 (load): again in 10s, 1 of 3: timeout",
        "task load 'b.csv': rule 1 (load): again in 10s, 1 of 3: timeout",
        "task drop 8: rule 2 (drop): given up after 0: timeout",
        "task drop 'c.csv': rule 2 (drop): given up: timeout",
        "task drop 9: rule 2 (drop): given up: x\\ntask: forged",
    ]


def test_a_dry_run_tells_and_sends_nothing(place, failed, caplog):
    """Nor does it write anything down."""
    caplog.set_level("INFO")
    bus = RecordingBus([encode_task(failed())])
    taskmaster = retry.make(Options(rules=place.rules, dry_run=True))
    assert isinstance(taskmaster, Rehearsal)
    assert run_taskmaster(taskmaster, clock=FakeClock(), bus=bus) == []
    told = "would be sent: task load 7: rule 1 (load): again in 10s, 1 of 3: timeout"
    assert told in caplog.text
    assert [it.name for it in place.rules.parent.iterdir()] == ["retry.toml"]


def test_the_store_lies_beside_the_rules_when_none_is_named(place):
    """Nothing has to be set up."""
    taskmaster = retry.make(Options(rules=place.rules))
    with taskmaster._store.in_use():
        assert taskmaster._store.pending() == 0
    assert place.rules.with_name("retry.store.db").exists()


def test_a_store_that_cannot_be_is_told_before_it_starts(place):
    """In one line; a server that is away may come, and is waited for."""
    options = Options(rules=place.rules, store="/nowhere/retry.db")
    with pytest.raises(StoreError, match="name a file in a folder that may be written"):
        retry.make(options)
    with pytest.raises(StoreError, match="a store is kept: name a path"):
        retry.make(Options(rules=place.rules, store=""))
    away = "postgresql://nobody@127.0.0.1:1/none?timeout=1"
    assert isinstance(retry.make(Options(rules=place.rules, store=away)), Retry)
