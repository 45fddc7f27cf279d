"""Rules of `task_core.api.run_defaults`: what a worker declares is checked at once."""

from datetime import timedelta

import pytest

from task_core.api import RunDefaults, worker


def hello(info):
    return info


def test_a_worker_declares_what_flags_can_say():
    """In the units that people write; what it leaves out is not declared."""
    plugin = worker(
        retries=3,
        retry_delay="10s",
        retry_on=TimeoutError,
        timeout=timedelta(minutes=5),
        topic="jobs",
        pool="process",
        max_tasks_per_child=100,
        max_memory_per_child="2K",
    )(hello)
    assert plugin.defaults.settings == {
        "retries": 3,
        "retry_delay": 10.0,
        "retry_on": (TimeoutError,),
        "timeout": 300.0,
        "topic": "jobs",
        "pool": "process",
        "max_tasks_per_child": 100,
        "max_memory_per_child": 2048,
    }
    assert (plugin.type, plugin.topic) == ("hello", "jobs")
    assert worker(retries=0)(hello).defaults.settings == {"retries": 0}
    assert worker(hello).topic == "hello"
    assert worker(hello).defaults == RunDefaults()


@pytest.mark.parametrize(
    ("declared", "kind", "text"),
    [
        ({"retries": "3"}, TypeError, "retries: a whole number is wanted, not '3'"),
        ({"retries": True}, TypeError, "retries: a whole number"),
        ({"retries": -1}, ValueError, "retries: must not be negative: -1"),
        ({"retry_delay": 10}, TypeError, "retry_delay: a text like '10s' is wanted"),
        ({"retry_delay": "10"}, ValueError, "retry_delay: 10 of what?"),
        ({"retry_delay": timedelta(-1)}, ValueError, "retry_delay: must not be neg"),
        ({"timeout": "soon"}, ValueError, "timeout: not a duration"),
        ({"timeout": "0s"}, ValueError, "timeout: must be more than 0s"),
        ({"retry_on": "TimeoutError"}, TypeError, "retry_on: classes of exceptions"),
        ({"retry_on": (int,)}, TypeError, "retry_on: classes of exceptions"),
        ({"topic": None}, TypeError, "topic: a text is wanted, not None"),
        ({"pool": "fork"}, ValueError, "pool: 'thread' or 'process' is wanted, not "),
        ({"max_tasks_per_child": "9"}, TypeError, "max_tasks_per_child: a whole numb"),
        ({"max_memory_per_child": 9}, TypeError, "max_memory_per_child: a text like "),
        ({"max_memory_per_child": "9"}, ValueError, "max_memory_per_child: 9 of what?"),
        ({"retry": 3}, TypeError, "'retry'"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_where_it_is_written(declared, kind, text):
    """At the definition of the worker, and not when a task fails."""
    with pytest.raises(kind, match=text.replace("?", "[?]")):
        worker(**declared)
