"""Rules of the hook `task_rate`: what has run too often comes again, in its turn."""

import pytest
from simulation import PLAIN, simulate
from task_testing import FakeClock

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.errors import UnsupportedCapabilityError
from task_core.launcher.context import Job
from task_core.launcher.limits.keys import MOST_KEYS, Keys
from task_core.task import Task
from task_core.wire import decode_task


def jobs(*infos):
    return [Job(Delivery(b""), Task(type="load", info=info)) for info in infos]


def five_a_second(task):
    return task.info, "5/s"


def delays(jobs):
    return [round(job.outcome.delay, 3) for job in jobs]


def test_those_of_one_key_have_a_place_each():
    """They come again one at a time, and not all when one may run."""
    keys = Keys(five_a_second, FakeClock())
    runs, others = keys.part(jobs("a", "a", "b", "a", "a"))
    assert [job.task.info for job in runs] == ["a", "b"]
    assert delays(others) == [0.2, 0.4, 0.6]
    assert {job.outcome.kind for job in others} == {"later"}


def test_what_was_put_off_runs_when_it_comes_again():
    """Also a little too early; the average is the rate."""
    clock = FakeClock()
    keys = Keys(five_a_second, clock)
    keys.part(jobs("a"))
    clock.advance(0.16)
    assert len(keys.part(jobs("a"))[0]) == 1
    clock.advance(0.16)
    assert len(keys.part(jobs("a"))[0]) == 1
    clock.advance(0.16)
    assert delays(keys.part(jobs("a"))[1]) == [0.12]


def test_a_task_without_a_key_runs():
    """None: nobody limits it."""
    keys = Keys(lambda task: None, FakeClock())
    assert len(keys.part(jobs("a", "a"))[0]) == 2


@pytest.mark.parametrize(
    "answer", ["a", ("a", 5), ("a", "b", "c"), ("a", "5"), (1, "1/s")]
)
def test_nonsense_is_an_error_of_the_task(answer):
    """And names what was wanted."""
    runs, (refused,) = Keys(lambda task: answer, FakeClock()).part(jobs("a"))
    assert not runs
    assert refused.outcome.kind == "error"
    assert "5/m" in refused.outcome.msg or "10/s" in refused.outcome.msg


def test_a_hook_that_raises_is_an_error_of_the_task():
    """As of every decider."""

    def decide(task):
        raise KeyError(task.info)

    (refused,) = Keys(decide, FakeClock()).part(jobs("a"))[1]
    assert refused.outcome.msg == "KeyError: 'a'"


def test_a_rate_that_is_none_names_who_said_it(caplog):
    """In the task and in the log, as what an observer breaks is."""

    class Decide:
        """Is asked."""

        who = "hooks 'fair' of task-hooks-fair 1.0"

        def __call__(self, task):
            return "a", "5 per minute"

    (refused,) = Keys(Decide(), FakeClock()).part(jobs("a"))[1]
    text = f"{Decide.who}: task_rate returned ('a', '5 per minute'), wanted a key"
    assert refused.outcome.msg.startswith(text)
    assert caplog.messages == [refused.outcome.msg]


def test_keys_that_hold_nothing_back_are_forgotten():
    """There may be one for each customer, for months."""
    clock = FakeClock()
    keys = Keys(five_a_second, clock)
    keys.part(jobs(*map(str, range(MOST_KEYS + 1))))
    clock.advance(1)
    keys.part(jobs("a"))
    assert len(keys._schedules) == 1


def test_keys_that_all_hold_something_back_are_not_looked_through_each_time():
    """One look costs as much as there are keys: for each task that would be slow."""
    clock = FakeClock()
    keys = Keys(lambda task: (task.info, "1/h"), clock)
    keys.part(jobs(*map(str, range(MOST_KEYS + 1))))
    keys.part(jobs("first"))
    kept = keys._schedules
    keys.part(jobs(*map(str, range(MOST_KEYS + 1, 2 * MOST_KEYS))))
    keys.part(jobs("last"))
    assert keys._schedules is kept, "looked through since"
    clock.advance(7200)
    keys.part(jobs(*map(str, range(2 * MOST_KEYS, 2 * MOST_KEYS + 9))))
    keys.part(jobs("late"))
    assert len(keys._schedules) == 10
    assert keys._most == MOST_KEYS


def test_what_is_put_off_goes_back_with_its_bytes_and_a_delay(hooks):
    """Through the bus, not in memory; and counts for no `--max-tasks`, and no try."""
    told = []
    listen = hooks(
        task_rate=lambda task: ("all", "1/s"),
        batch_settled=lambda batch: told.extend(one.fate for one in batch),
        task_settled=lambda task: told.append(task.info),
    )
    run = simulate(3, lambda n: 1e-3, hooks=listen).work()
    back = [one for one in run.bus.messages if one.topic == "load"]
    assert len(run.slots.began) == 1
    assert [decode_task(one.body).info for one in back] == ["1", "2"]
    assert [round(one.delay) for one in back] == [1, 2]
    stats = run.launcher.stats
    assert (stats.received, stats.done) == (1, 1)
    assert (stats.retried, stats.put_off) == (0, 2)
    assert sorted(told) == ["0", "complete", "later", "later"]


def test_a_bus_that_cannot_delay_is_refused_with_such_a_hook(hooks):
    """Rather than to forget about the rate."""
    cannot = Capabilities(ack=True, nack=True, bounded=True)
    with pytest.raises(UnsupportedCapabilityError, match="task_rate"):
        simulate(
            1,
            lambda n: 1,
            capabilities=cannot,
            hooks=hooks(task_rate=lambda task: None),
        )
    assert PLAIN.delay
