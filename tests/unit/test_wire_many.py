"""Many tasks at once are written and read exactly as each one alone."""

import pytest

from task_core.errors import DecodeError
from task_core.task import Task
from task_core.wire import decode_task, decode_tasks, encode_task, encode_tasks


class Markup(str):
    """Text of a class of its own."""

    __slots__ = ()


TASKS = [
    Task(type="a", info="b"),
    Task(type="a", info="line\nbreak", msg="two\u2028lines\u2029"),
    Task(type="a", info="\ud800"),
    Task(type="a", info=Markup("<b>")),
]


@pytest.mark.parametrize("odd", TASKS)
def test_many_are_written_as_each_alone(odd):
    """One that needs more care does not change the others."""
    tasks = [TASKS[0], odd, TASKS[0]]
    assert encode_tasks(tasks) == [encode_task(task) for task in tasks]


def test_none_are_written_as_nothing():
    """There is no empty line."""
    assert encode_tasks([]) == []


@pytest.mark.parametrize(
    "odd",
    [
        b'{"type":"a","info":"b","created":"0001-01-01T00:00:00Z"}',
        b'{"type":"a","info":"b","started":"2026-01-01T00:00:00Z"}',
        b'{"TYPE":"a","info":"b","new":1}',
        b' {"type":"a","info":"b"} ',
    ],
)
def test_many_are_read_as_each_alone(odd):
    """A zero date is none, keys are in any case."""
    bodies = [b'{"type":"a","info":"b"}', odd]
    assert decode_tasks(bodies) == [decode_task(body) for body in bodies]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b'{"type":"a","info":"b"}{"type":"a","info":"b"}',
        b'{"type":"a","info":"b","ended":"yesterday"}',
        b'{"type":"a","info":"\xff"}',
    ],
)
def test_one_that_is_no_task_is_told_as_alone(bad):
    """Whoever reads many then reads each alone."""
    with pytest.raises(DecodeError) as alone:
        decode_task(bad)
    with pytest.raises(DecodeError) as many:
        decode_tasks([b'{"type":"a","info":"b"}', bad])
    assert str(many.value) == str(alone.value)
