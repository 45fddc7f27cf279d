"""Rules of `task_worker_exec.outcome`."""

import pytest
from task_worker_exec.outcome import read_answer, read_ending

from task_core.api.worker import Outcome, interrupted, retry


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (b'{"result":"complete","msg":"3 rows"}', Outcome("complete", "3 rows")),
        (b'{"result":"warn"}', Outcome("warn")),
        (b'{"type":"a","info":"b","result":"alert","msg":"x"}', Outcome("alert", "x")),
        (b'{"msg":{"rows":3}}', Outcome("complete", '{"rows":3}')),
        (b'{"error":"no such table"}', Outcome("error", "no such table")),
        (b"{}", Outcome("complete")),
        (b'"hello"', Outcome("complete", "hello")),
        (b"null", Outcome("complete")),
        (b'{"result":"retry","msg":"busy","delay":1.5}', retry("busy", 1.5)),
        (b'{"result":"retry","delay":"soon"}', retry("")),
        (b'{"result":"interrupted"}', interrupted()),
    ],
)
def test_answers_are_read_forgivingly(line, outcome):
    """Whatever a small program finds easiest to print."""
    assert read_answer(line, {}) == outcome


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"loading...", "the program answered no JSON but 'loading...'"),
        (b"\xff\xfe", "the program answered no JSON but '\ufffd\ufffd'"),
        (b"[1]", "neither object nor text but '[1]'"),
        (b'{"result":"okay"}', "the result 'okay', wanted one of alert, complete,"),
        (b'{"result":["a"]}', r"the result ['a'], wanted one of"),
        (b"x" * 5000, "x" * 200 + "…"),
    ],
)
def test_nonsense_is_an_error_that_shows_it(line, text):
    """In short."""
    outcome = read_answer(line, {})
    assert outcome.result == "error"
    assert text in outcome.msg
    assert len(outcome.msg) < 300


@pytest.mark.parametrize(
    "value", [b'{"rows":3,"file":["a","b"]}', b'"rows=3&file=a&file=b"']
)
def test_meta_is_taken_as_object_or_query(value):
    """A done task carries it as a query."""
    meta = {"old": "1"}
    read_answer(b'{"meta":' + value + b"}", meta)
    assert {key: list(values) for key, values in meta.items()} == {
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
def test_an_ending_is_judged_by_status_and_last_line(line, succeeded, outcome):
    """A bad status is never a complete task."""
    assert read_ending(line, succeeded, "exited with status 3", {}) == outcome
