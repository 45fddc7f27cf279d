"""Rules of `task_worker_exec.outcome`."""

import logging

import pytest
from task_worker_exec.keys import MOST_TOLD, Keys
from task_worker_exec.outcome import read_answer, read_ending

from task_core.api import (
    DecodeError,
    Outcome,
    PayloadError,
    Task,
    failed,
    interrupted,
    retry,
)


class Ctx:
    """As much of a context as answers need."""

    def __init__(self):
        self.task = Task(type="load", info="x", id="7")
        self.meta = {}
        self.sent = []
        self.log = logging.getLogger("task.worker.exec")

    def send(self, task, topic=None):
        self.sent.append((task.type, task.info, topic))


@pytest.fixture
def ctx():
    return Ctx()


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (b'{"result":"complete","msg":"3 rows"}', Outcome("complete", "3 rows")),
        (b'{"result":"warn"}', Outcome("warn")),
        (b'{"type":"a","info":"b","result":"alert","msg":"x"}', Outcome("alert", "x")),
        (
            b'{"result":"complete","msg":{"rows":3}}',
            Outcome("complete", '{"rows":3}'),
        ),
        (b'{"error":"no such table"}', Outcome("error", "no such table")),
        (b'{"type":"load","info":"x","id":"7"}', Outcome("complete")),
        (b'"hello"', Outcome("complete", "hello")),
        (b"null", Outcome("complete")),
        (b'{"result":"retry","msg":"busy","delay":1.5}', retry("busy", 1.5)),
        (b'{"result":"retry","delay":"soon"}', retry("")),
        (b'{"result":"interrupted"}', interrupted()),
    ],
)
def test_answers_are_read_forgivingly(line, outcome, ctx):
    """Whatever a small program finds easiest to print; the task itself is an echo."""
    assert read_answer(line, ctx, Keys()) == outcome


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"loading...", "the program answered no JSON but 'loading...'"),
        (b"\xff\xfe", "the program answered no JSON but '\ufffd\ufffd'"),
        (b"[1]", "neither object nor text but '[1]'"),
        (b"{}", "without a result: '{}'"),
        (b'{"msg":"3 rows"}', """without a result: '{"msg":"3 rows"}'"""),
        (b'{"type":"load","info":"x"}', "answered without a result"),
        (b'{"result":"complete","send":[{"info":"x"}]}', "sends what is no task"),
        (b'{"result":"complete","send":["load"]}', "sends what is no task: no object"),
        (
            b'{"result":"complete","send":{"type":"a","info":"","topic":1}}',
            "topic must be text, not 1",
        ),
        (b'{"result":"okay"}', "the result 'okay', wanted one of alert, complete,"),
        (b'{"result":["a"]}', r"the result ['a'], wanted one of"),
        (b"x" * 5000, "x" * 200 + "…"),
    ],
)
def test_nonsense_is_an_error_that_shows_it(line, text, ctx):
    """In short; nothing is taken for done that does not say so."""
    outcome = read_answer(line, ctx, Keys())
    assert ctx.sent == []
    assert outcome.result == "error"
    assert text in outcome.msg
    assert len(outcome.msg) < 300


@pytest.mark.parametrize(
    "value", [b'{"rows":3,"file":["a","b"]}', b'"rows=3&file=a&file=b"']
)
def test_meta_is_taken_as_object_or_query(value, ctx):
    """A done task carries it as a query."""
    ctx.meta["old"] = "1"
    read_answer(b'{"result":"complete","meta":' + value + b"}", ctx, Keys())
    assert {key: list(values) for key, values in ctx.meta.items()} == {
        "old": ["1"],
        "rows": ["3"],
        "file": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("line", "succeeded", "outcome"),
    [
        (b"3 rows", True, Outcome("complete", "3 rows")),
        (b"", True, Outcome("complete")),
        (b"no table", False, Outcome("error", "exited with status 3: no table")),
        (b"", False, Outcome("error", "exited with status 3")),
        (b'{"result":"warn","msg":"x"}', True, Outcome("warn", "x")),
        (b'{"result":"alert","msg":"x"}', False, Outcome("alert", "x")),
        (
            b'{"result":"complete","msg":"x"}',
            False,
            Outcome("error", "exited with status 3: x"),
        ),
        (b'{"rows":3}', True, Outcome("complete", '{"rows":3}')),
    ],
)
def test_an_ending_is_judged_by_status_and_last_line(line, succeeded, outcome, ctx):
    """A bad status is never a complete task."""
    status = "exited with status 3"
    assert read_ending(line, succeeded, status, ctx, Keys()) == outcome


def read_last(line, ctx, keys):
    return read_ending(line, True, "", ctx, keys)


@pytest.mark.parametrize("read", [read_answer, read_last])
def test_an_answer_may_bring_child_tasks(read, ctx):
    """As on the wire, one or a list; `topic` tells where to, if not their type."""
    children = b'[{"type":"copy","info":"a"},{"type":"copy","info":"b","topic":"slow"}]'
    for send in (children, b'{"type":"copy","info":"c"}'):
        outcome = read(b'{"result":"complete","send":' + send + b"}", ctx, Keys())
        assert outcome.result == "complete"
    assert ctx.sent == [("copy", "a", None), ("copy", "b", "slow"), ("copy", "c", None)]


@pytest.mark.parametrize(
    "error",
    [DecodeError("type leads out of it"), PayloadError("carries at most 9 bytes")],
)
def test_a_child_that_is_refused_is_an_error_in_one_line(error, ctx, monkeypatch):
    """A mistake of the program, which knows nothing of our frames."""

    def refuse(task, topic=None):
        raise error

    monkeypatch.setattr(ctx, "send", refuse)
    line = b'{"result":"complete","send":{"type":"../x","info":"a"}}'
    outcome = read_answer(line, ctx, Keys())
    assert outcome == failed(f"a task that the program sends is refused: {error}")


@pytest.mark.parametrize("result", [b"retry", b"interrupted"])
def test_a_task_that_is_to_run_again_brings_no_children(result, ctx):
    """Its next run does."""
    line = b'{"result":"%s","send":[{"type":"copy","info":"a"}]}' % result
    read_answer(line, ctx, Keys())
    assert ctx.sent == []


@pytest.mark.parametrize("read", [read_answer, read_last])
def test_a_key_that_nobody_reads_is_told_once(read, ctx, caplog):
    """With the nearest: a mistyped `send` would lose tasks without a word."""
    keys = Keys()
    for _ in range(3):
        line = (
            b'{"result":"complete","sned":[],"\\u001b[1m":1,"type":"load","Info":"x"}'
        )
        assert read(line, ctx, keys).result == "complete"
    sned, odd, info = (record.getMessage() for record in caplog.records)
    assert sned == "an answer has no key 'sned' (did you mean 'send'): it is left out"
    assert odd.startswith(r"an answer has no key '\x1b[1m' (it has result, msg, meta,")
    assert "'Info'" in info


@pytest.mark.parametrize("read", [read_answer, read_last])
@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (b'"meta":[1]', "the 'meta' of an answer is neither an object nor a query"),
        (b'"delay":"10"', "the 'delay' of an answer is no number of seconds"),
        (b'"delay":-1', "the 'delay' of an answer is no number of seconds"),
    ],
)
def test_a_value_of_another_kind_is_told_once(read, pair, told, ctx, caplog):
    """As a key that nobody reads is: it would be lost without a word."""
    keys = Keys()
    for _ in range(2):
        line = b'{"result":"retry","msg":"busy",' + pair + b"}"
        assert read(line, ctx, keys) == retry("busy")
    (record,) = caplog.records
    assert record.getMessage() == f"{told}: it is left out"
    assert not ctx.meta
    good = b'{"result":"retry","meta":null,"delay":null}'
    read(good, ctx, Keys())
    assert len(caplog.records) == 1


def test_a_program_that_makes_up_keys_fills_no_log(ctx, caplog):
    """Nor the memory."""
    keys = Keys()
    keys.check((f"row{number}" for number in range(9_999)), ctx)
    assert len(caplog.records) == MOST_TOLD
