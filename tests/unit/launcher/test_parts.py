"""Rules of `task_core.launcher.parts`: what is told before anything begins."""

import logging
from functools import partial

import pytest

from task_core import open_bus
from task_core.api.decorators import worker
from task_core.cli.launch_options import LaunchOptions
from task_core.errors import FrameworkError, UsageError
from task_core.launcher.launcher import make_launcher
from task_core.launcher.wrappers import BusPair

REFUSED = [
    ({"done_topic": ""}, "done_topic: it is empty", "--done-topic: it is empty"),
    (
        {"done_topic": "upper"},
        "give another done_topic",
        "give another --done-topic",
    ),
    ({"require": "atomic"}, "require=atomic: bus", "--require atomic: bus"),
    ({"retries": 1}, "cannot do retries: it", "cannot do --retries: it"),
    ({"ack": "early"}, "cannot do ack=early: it", "cannot do --ack early: it"),
]


def bus_for(settings):
    """Return a bus that refuses."""
    return open_bus("memory:x" if "done_topic" in settings else "stdio")


@pytest.mark.parametrize(("settings", "text", "_"), REFUSED)
def test_a_program_is_told_the_names_of_its_arguments(settings, text, _):
    """It has no flags."""
    with pytest.raises(FrameworkError) as caught:
        make_launcher(str.upper, bus_for(settings), **settings)
    assert text in str(caught.value)
    assert "--" not in str(caught.value)


@pytest.mark.parametrize(("settings", "_", "text"), REFUSED)
def test_a_command_line_is_told_its_flags(settings, _, text):
    """For the same."""
    plan = LaunchOptions().plan
    with pytest.raises(FrameworkError) as caught:
        make_launcher(str.upper, bus_for(settings), plan, **settings)
    assert text in str(caught.value)


@pytest.mark.parametrize("ack", ["late", "early"])
def test_a_pair_may_write_to_the_topic_that_it_reads(memory, ack):
    """It is another one, on another bus."""
    names = {"topic": "load", "done_topic": "load", "ack": ack}
    pair = BusPair(memory.open(), open_bus("memory:target"))
    launcher = make_launcher(str.upper, pair, **names)
    assert launcher.snapshot()["producer"]["bus"] == "memory"
    with pytest.raises(UsageError, match="for ever"):
        make_launcher(str.upper, memory.open(), **names)


@pytest.mark.parametrize("nameless", [lambda info: info, worker(lambda info: info)])
def test_a_lambda_needs_a_topic(nameless, memory):
    """Else it would read one that nobody writes."""
    with pytest.raises(UsageError) as caught:
        make_launcher(nameless, memory.open())
    assert str(caught.value) == (
        "a lambda has no name, so that its topic is unknown: give topic=NAME, or write"
        " the worker with def"
    )
    launcher = make_launcher(nameless, memory.open(), topic="load")
    assert (launcher.plan.topic, launcher.plan.channel) == ("load", "load")


def load(times, info):
    return info * times


def test_a_partial_has_the_name_of_its_function(memory):
    """What is given beforehand does not change what it does."""
    assert make_launcher(partial(load, 2), memory.open()).plan.topic == "load"


LIMITS = {"max_tasks_per_child": 5, "max_memory_per_child": "512M"}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_child_processes_that_there_are_not_are_told(name, memory, caplog):
    """By whatever they were set; a program that tries a worker in threads goes on."""
    limit = {name: LIMITS[name]}
    text = "without effect, as there are no child processes: give"
    with caplog.at_level(logging.WARNING):
        make_launcher(load_one, memory.open(), **limit)
        make_launcher(load_one, memory.open(), LaunchOptions(**limit).plan)
        make_launcher(worker(**limit)(load_one), memory.open())
    flag = f"--{name.replace('_', '-')}"
    assert [record.getMessage() for record in caplog.records] == [
        f"{name}: {text} pool=process",
        f"{flag}: {text} --pool process",
        f"{name}: {text} pool=process",
    ]
    caplog.clear()
    make_launcher(load_one, memory.open(), pool="process", **limit).parts.bus.close()
    assert not caplog.records


def load_one(info):
    return info
