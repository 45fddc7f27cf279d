"""Rules of `task_core.launcher.settings`: programs are told what they said wrongly."""

from datetime import timedelta

import pytest

from task_core import LauncherThread, run_launcher
from task_core.errors import UsageError
from task_core.launcher.plan import AckMode, Guarantee, Plan, Pool

TYPES = [
    ("retries", "3", "a whole number is wanted, not '3'"),
    ("concurrency", "4", "a whole number is wanted, not '4'"),
    ("concurrency", True, "a whole number is wanted, not True"),
    ("max_tasks", "4", "a whole number is wanted, not '4'"),
    ("max_attempts", None, "a whole number is wanted, not None"),
    ("prefetch", 1.5, "a whole number is wanted, not 1.5"),
    ("timeout", [], "a text like '10s' or a number of seconds is wanted, not []"),
    ("kill_time", None, "a text like '10s' or a number of seconds is wanted, not None"),
    ("max_task_bytes", 1.5, "a text like '512M' or a number of bytes is wanted, not 1"),
    ("drain", "no", "True or False is wanted, not 'no'"),
    ("topic", 5, "a text is wanted, not 5"),
    ("done_topic", None, "a text is wanted, not None"),
    ("retry_on", "OSError", "classes of exceptions are wanted, not 'OSError'"),
    ("rate", None, "a text or a number is wanted, not None"),
]
VALUES = [
    ("retries", -1, "must not be negative"),
    ("concurrency", 0, "must be at least 1, not 0"),
    ("timeout", 0, "must be more than 0s"),
    ("timeout", float("nan"), "must be more than 0s"),
    ("timeout", "300", "300 of what? Give a unit, for example 300s"),
    ("lease", "soon", "not a duration like 10s or 1h30m: 'soon'"),
    ("max_memory_per_child", "lots", "not a size like 512M: 'lots'"),
    ("rate", "fast", "not a rate like 10/s, 100/m or 5/h: 'fast'"),
    ("rate", -1, "must not be negative"),
    ("dead_topic", "lost", "a dead topic ends in .dead, for example lost.dead"),
    ("ack", "never", "'never' is none of early, late"),
    ("pool", "fork", "'fork' is none of thread, process"),
    ("require", "magic", "'magic' is none of at-most-once, at-least-once, atomic"),
    ("type_policy", None, "None is none of run, reject, ignore"),
]


@pytest.mark.parametrize("run", [run_launcher, LauncherThread])
@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [(TypeError, *case) for case in TYPES] + [(UsageError, *case) for case in VALUES],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(
    memory, run, kind, name, value, words
):
    """Nothing runs with another value in its place."""
    with pytest.raises(kind) as caught:
        run(str.upper, memory.open(), **{"topic": "load", name: value})
    assert str(caught.value).startswith(f"{name}: {words}")


@pytest.mark.parametrize("run", [run_launcher, LauncherThread])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("drian", "a launcher has no setting 'drian': did you mean 'drain'?"),
        ("conc", "a launcher has no setting 'conc'; it has topic, channel, "),
    ],
)
def test_a_setting_that_there_is_not_is_refused_with_the_nearest(
    memory, run, name, words
):
    """Or with all that there are."""
    with pytest.raises(TypeError) as caught:
        run(str.upper, memory.open(), **{name: 3})
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("timeout", "5m", 300.0),
        ("timeout", timedelta(minutes=5), 300.0),
        ("timeout", 1, 1.0),
        ("timeout", None, None),
        ("kill_time", "0s", 0.0),
        ("prefetch", None, None),
        ("topic", None, ""),
        ("max_memory_per_child", "512M", 512 * 2**20),
        ("retry_on", OSError, (OSError,)),
        ("ack", "early", AckMode.EARLY),
        ("pool", "process", Pool.PROCESS),
        ("require", "atomic", Guarantee.ATOMIC),
        ("require", None, None),
    ],
)
def test_a_setting_is_read_as_a_worker_or_the_command_line_reads_it(name, value, read):
    """Times and sizes may be texts, and an enum has names."""
    found = getattr(Plan(**{name: value}), name)
    assert (found, type(found)) == (read, type(read))


def test_a_worker_that_runs_in_a_program_may_take_a_time_with_its_unit(
    memory, make_tasks
):
    """As `@worker(timeout="5m")` takes it."""
    memory.watch("done").put(*make_tasks("a"))
    limits = {"timeout": "5m", "retry_delay": "1s", "drain": True}
    stats = run_launcher(str.upper, memory.open(), topic="load", **limits)
    assert stats.results == {"complete": 1}
