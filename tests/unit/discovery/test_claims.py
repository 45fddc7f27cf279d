"""Rules of `task_core.discovery.claims`: a task is sent once, or not at all."""

import pytest

from task_core.api import hookimpl
from task_core.discovery.claims import Claims
from task_core.discovery.found import Found
from task_core.discovery.hooks import Listeners
from task_core.errors import DuplicateError, SendError, UsageError
from task_core.task import Task


class Memory:
    """Remembers what was sent."""

    def __init__(self):
        self.sent = {}

    @hookimpl
    def task_claim_send(self, task, topic, seconds):
        if task.info in self.sent:
            return self.sent[task.info]
        self.sent[task.info] = task.id
        return ""

    @hookimpl
    def task_send_failed(self, task):
        del self.sent[task.info]


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def claims(memory):
    listeners = Listeners()
    listeners.add(Found(kind="hooks", name="memory", distribution="d"), memory)
    return Claims(listeners)


def tasks(*infos):
    return [Task.new("load", info, id=f"id-{info}") for info in infos]


def test_the_like_of_a_sent_task_is_refused(claims, memory):
    """By its position, with the id of the one that was sent; none else is claimed."""
    with claims.taken(tasks("a"), ["load"], 60):
        pass
    with (
        pytest.raises(DuplicateError, match="as id-a") as error,
        claims.taken(tasks("b", "a"), ["load"] * 2, 60),
    ):
        pytest.fail("nothing may be sent")
    assert error.value.refused == (1,)
    assert memory.sent == {"a": "id-a"}


def test_what_was_not_sent_is_not_remembered(claims, memory):
    """Whatever the reason."""
    with pytest.raises(KeyboardInterrupt), claims.taken(tasks("a"), ["load"], 60):
        raise KeyboardInterrupt
    assert memory.sent == {}


def test_what_was_sent_of_a_batch_stays_remembered(claims, memory):
    """Only what the broker has not confirmed may be sent again."""
    error = SendError("half", [1, 3])
    topics = ["load"] * 4
    with pytest.raises(SendError), claims.taken(tasks(*"abcd"), topics, 60):
        raise error
    assert [*memory.sent] == ["a", "c"]
    with pytest.raises(SendError), claims.taken(tasks(*"bd"), topics[:2], 60):
        raise SendError("none, and nobody knows which")
    assert [*memory.sent] == ["a", "c"]


@pytest.mark.parametrize("claims", [Claims(), Claims(Listeners())])
def test_nobody_to_ask_is_an_error(claims):
    """A task must not be sent as if somebody had looked."""
    with (
        pytest.raises(
            UsageError,
            match="no hook plugin .* task-hooks-once does; to get it: .*install",
        ),
        claims.taken(tasks("a"), ["load"], 60),
    ):
        pytest.fail("nothing may be sent")
