"""Rules of what is said of a body that is no task: which one, which key, what to do."""

import pytest
from task_taskmaster_http.bodies import NewTask, read_tasks
from task_taskmaster_http.mistakes import KEYS
from task_taskmaster_http.problem import RequestError
from task_testing import FakeClock

JSON, LINES = "application/json", "application/x-ndjson"
META = "this is no task: meta takes texts, or lists of texts: "


def problem(body, kind=JSON):
    """Return the status and the text of what is wrong."""
    with pytest.raises(RequestError) as caught:
        read_tasks(body.encode(), kind, "", 100, FakeClock())
    return caught.value.status, caught.value.text


def test_the_keys_are_those_of_a_task():
    """Names that are told exist."""
    assert NewTask.__struct_fields__ == KEYS


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            '{"typ": "a"}',
            "this is no task: unknown key 'typ': did you mean 'type'?",
        ),
        (
            '[{"type": "a"}, {"typ": "b"}]',
            "task 2: this is no task: unknown key 'typ': did you mean 'type'?",
        ),
        ('[{"type": "a"}, 7]', "task 2: this is no task: it is a number, not an"),
        (
            '[{"type": "a"}, {"info": "x"}]',
            "task 2: this is no task: it has no key 'type'",
        ),
        ("{}", "this is no task: it has no key 'type'"),
        ("7", "this is no task: it is a number, not an object with the key 'type'"),
        ('{"type": null}', "this is no task: type must be text, not null"),
        (
            '{"type": "a", "meta": {"n": 7}}',
            f"{META}'n' has a number; put it in quotes",
        ),
        (
            '{"type": "a", "meta": {"n": ["1", true]}}',
            f"{META}'n' has true or false; put it in quotes",
        ),
        ('{"type": "a", "meta": {"n": {}}}', f"{META}'n' has an object"),
        (
            '{"type": "a", "meta": [1]}',
            "this is no task: meta is a query string, or keys with texts, or lists of",
        ),
    ],
)
def test_what_is_no_task_is_told_with_its_place(body, text):
    """And in words of ours."""
    status, told = problem(body)
    assert (status, told.startswith(text)) == (422, True), told


@pytest.mark.parametrize(
    ("line", "status", "text"),
    [
        (
            '{"type": "b", "inf": "x"}',
            422,
            "line 3: this is no task: unknown key 'inf': did you mean 'info'?",
        ),
        ('{"type": "b"', 400, "line 3: this is no JSON: Input data was truncated"),
        ("nothing", 400, "line 3: this is no JSON: JSON is malformed"),
        ('{"type": 7, "info"', 400, "line 3: this is no JSON: Input data was trunc"),
        ('{"type": "../x"}', 422, "line 3: type '../x': it would lead out"),
        ('{"type": "b", "created": "today"}', 422, "line 3: created: not an RFC"),
    ],
)
@pytest.mark.parametrize("rest", ["", '\n{"type": "c"}\n'])
def test_a_line_is_told_with_its_number(line, rest, status, text):
    """As an editor counts: with the empty ones."""
    found, told = problem(f'{{"type": "a"}}\n\n{line}{rest}', LINES)
    assert (found, told.startswith(text)) == (status, True), told


def test_two_tasks_in_a_line_are_told_by_their_number():
    """Which line it is tells nothing."""
    assert problem('{"type": "a"} {"type": ""}', LINES)[1].startswith("task 2: type")


def test_a_list_that_is_no_json_says_where():
    """By its bytes: it has no lines."""
    status, told = problem('[{"type": "a"}, {"type"]')
    assert status == 400
    assert told.startswith("this is no JSON: JSON is malformed: expected ':' (byte")


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000])
@pytest.mark.parametrize("kind", [JSON, LINES])
def test_what_is_nested_too_deep_is_refused(body, kind):
    """It ends nothing."""
    assert problem(body, kind)[0] in (400, 422)
