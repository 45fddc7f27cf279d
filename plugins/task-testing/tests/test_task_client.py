"""The fixture `task_client`: what an application sent, with no broker."""

import os
import threading

import pytest
from task_testing import TaskClient

from task_core import LauncherThread, connect, open_bus
from task_core.api import Task


def test_what_the_client_sends_is_told(task_client):
    """By all that a task says."""
    task = task_client.send("load", "a.csv", meta={"x": "1"}, job="day")
    found = task_client.assert_sent(
        "load", info="a.csv", meta={"x": "1"}, job="day", id=task.id, count=1
    )
    assert found == task
    assert [it.topic for it in task_client.sent] == ["load"]


def test_what_an_application_sends_elsewhere_is_told(task_client):
    """Its own clients, in its own threads, on the bus that the environment names."""

    def application():
        with connect() as tasks:
            tasks.send(Task.new("load", "b"), topic="jobs")

    thread = threading.Thread(target=application)
    thread.start()
    thread.join()
    task_client.assert_sent("load", topic="jobs")
    with pytest.raises(AssertionError):
        task_client.assert_sent("load", topic="load")


def test_a_failure_says_what_was_sent(task_client):
    """And what was wanted."""
    with pytest.raises(AssertionError, match="'load', info='b' was not sent; nothing"):
        task_client.assert_sent("load", info="b")
    task_client.send("load", "a", topic="jobs")
    with pytest.raises(AssertionError, match="(?s)not sent; sent was:.*load 'a'.*jobs"):
        task_client.assert_sent("load", info="b")
    with pytest.raises(AssertionError, match="2 times but 1"):
        task_client.assert_sent("load", count=2)
    with pytest.raises(AssertionError, match="something was sent"):
        task_client.assert_nothing_sent()


def test_none_of_them_may_be_what_is_wanted(task_client):
    """As a count, or of everything."""
    task_client.assert_nothing_sent()
    task_client.assert_sent("load", count=0)
    task_client.send("load")
    task_client.clear()
    task_client.assert_nothing_sent()


def test_each_test_has_a_bus_of_its_own():
    """What one sent is nothing to the next one."""
    with TaskClient() as first, TaskClient() as second:
        first.send("load")
        second.assert_nothing_sent()


def test_a_worker_takes_nothing_away(task_client):
    """Its done tasks are told as well."""
    task_client.watch("shout", "done")
    with LauncherThread(str.upper, open_bus(task_client.url), topic="shout"):
        done = task_client.client.call("shout", "ada")
    assert done.msg == "ADA"
    task_client.assert_sent("shout", info="ada", topic="shout")
    task_client.assert_sent("shout", topic="done", count=1)


def test_what_is_sent_with_a_delay_was_sent(task_client):
    """It is told once, also when its time has come."""
    task_client.send("load", "a", delay="1h")
    task_client.send("load", "b", delay=0.01)
    sent = [(it.task.info, it.delay) for it in task_client.sent]
    assert sent == [("a", 3600.0), ("b", 0.01)]
    task_client.assert_sent("load", info="b", count=1)
    task_client.clear()
    task_client.assert_nothing_sent()


def test_what_is_sent_once_is_remembered_for_one_test(task_client, tmp_path):
    """The next run of it sends it again."""
    assert os.environ["TASK_HOOKS_ONCE_STORE"] == f"sqlite://{tmp_path}/once.db"


@pytest.mark.parametrize(("name", "meant"), [("cont", "count"), ("inf", "info")])
def test_an_argument_that_there_is_not_is_refused_with_the_nearest(
    task_client, name, meant
):
    """Else a mistyped one is an AttributeError, or counts for nothing."""
    text = f"assert_sent has no argument '{name}': did you mean '{meant}'"
    with pytest.raises(TypeError, match=text):
        task_client.assert_sent("load", **{name: 1})
