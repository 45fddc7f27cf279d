"""Rules of `task_core.wire`."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_core.dead import (
    DeadLetter,
    dead_topic,
    decode_dead,
    encode_dead,
    is_dead_topic,
    origin_of,
)
from task_core.errors import DecodeError
from task_core.task import Task
from task_core.wire import decode_task, encode_task

FIXTURES = Path(__file__).parents[1] / "fixtures" / "wire"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DATES = st.sampled_from(["", "2017-01-01T00:00:01Z", "2017-01-01T01:00:01.5+01:00"])
TASKS = st.builds(
    Task,
    **dict.fromkeys(("type", "job", "info", "id", "meta", "result", "msg"), TEXT),
    **dict.fromkeys(("created", "started", "ended"), DATES),
)


def cases(name):
    return [
        pytest.param(case, id=case["name"].replace(" ", "-"))
        for case in json.loads((FIXTURES / name).read_text(encoding="utf-8"))
    ]


def refusal(body):
    with pytest.raises(DecodeError) as caught:
        decode_task(body)
    return str(caught.value)


@pytest.mark.parametrize("case", cases("encode.json"))
def test_a_task_is_written_as_go_writes_it(case):
    """Every byte is the one that Go's `encoding/json` wrote."""
    assert encode_task(Task(**case["task"])) == case["body"].encode()


@pytest.mark.parametrize("case", cases("encode.json"))
def test_what_go_wrote_reads_back(case):
    """Reading Go's bytes gives the task that Go was given."""
    assert decode_task(case["body"].encode()) == Task(**case["task"])


@pytest.mark.parametrize("case", cases("decode.json"))
def test_bytes_are_read_or_refused_as_the_fixtures_say(case):
    """Good bytes give the task; bad ones an error whose text is part of the rule."""
    body = base64.b64decode(case.get("body64", "")) or case.get("body", "").encode()
    if "task" in case:
        assert decode_task(body) == Task(**case["task"])
    else:
        assert refusal(body) == case["error"]


@given(TASKS)
def test_reading_gives_back_what_was_written(task):
    """Whatever the text: control characters, separators, other planes."""
    assert decode_task(encode_task(task)) == task


@given(TASKS)
def test_a_written_task_is_one_line_of_plain_json(task):
    """Any JSON reader finds the same keys in the same order, empty ones left out."""
    body = encode_task(task)
    assert not {b"\n", b"\r"} & {bytes([byte]) for byte in body}
    always = ("type", "info")
    fields = ((name, getattr(task, name)) for name in task.__struct_fields__)
    expected = [(name, text) for name, text in fields if text or name in always]
    assert list(json.loads(body).items()) == expected


@given(TASKS)
def test_writing_again_gives_the_same_bytes(task):
    """A task may pass through any number of hands."""
    body = encode_task(task)
    assert encode_task(decode_task(body)) == body


@given(st.binary(max_size=80) | TEXT.map(str.encode))
def test_any_bytes_are_a_task_or_one_short_line_of_complaint(body):
    """No other exception, no traceback, no flood."""
    try:
        decode_task(body)
    except DecodeError as error:
        assert 0 < len(str(error)) <= 200
        assert len(str(error).splitlines()) == 1


@given(st.dictionaries(TEXT, st.none() | st.integers() | TEXT | st.lists(TEXT)))
def test_unknown_keys_never_matter(extra):
    """They are dropped, whatever they hold."""
    known = Task.__struct_fields__
    extra = {
        key: value
        for key, value in extra.items()
        if key.lower().replace("\u017f", "s") not in known
    }
    body = json.dumps({**extra, "type": "t", "info": "i"}).encode()
    assert decode_task(body) == Task(type="t", info="i")


@pytest.mark.parametrize(
    ("task", "size"),
    [
        ({"type": "test-type", "info": "test-info"}, 39),
        (
            {
                "type": "test-type",
                "info": "test-info",
                "created": "2017-01-01T00:00:01Z",
                "result": "test-result",
                "msg": "test msg",
                "started": "2017-01-01T00:00:01Z",
                "ended": "2017-01-01T00:00:01Z",
            },
            176,
        ),
    ],
    ids=["to-do", "done"],
)
def test_the_sizes_of_the_go_project(task, size):
    """39 bytes to do, 176 done, as its own tests say."""
    assert len(encode_task(Task(**task))) == size


def test_half_of_a_surrogate_pair_is_written_as_a_replacement():
    """A worker's message may hold one (a file name that is no UTF-8, for example)."""
    body = encode_task(Task(type="t", info="a\ud800b", msg="\udcff"))
    assert decode_task(body) == Task(type="t", info="a\ufffdb", msg="\ufffd")


@pytest.mark.parametrize("opening", [b'{"type":', b'{"x":[{"y":'])
def test_deep_nesting_is_refused_in_one_line(opening):
    """A hundred thousand levels neither crash nor recurse without end."""
    assert refusal(opening * 100_000) == "not a task: nested too deeply"


@pytest.mark.parametrize("size", [10_000_000, 100_000_000])
def test_a_value_may_be_large(size):
    """There is no limit but memory; a bus may have one."""
    body = b'{"type":"t","info":"' + b"x" * size + b'"}'
    task = decode_task(body)
    assert len(task.info) == size
    assert encode_task(task) == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"t","info":' + b"9" * 10_000_000 + b"}",
        b'{"type":"t","info":"i","created":"' + b"x" * 10_000_000 + b'"}',
        b'{"type":"t","info":"i","created":"' + b"\\u0001" * 1_000_000 + b'"}',
        b'{"type":"t","info":"i","created":"2017-01-01T00:00:01.'
        + b"0" * 10_000_000
        + b'Z"}',
        b"x" * 10_000_000,
        b'{"' + b"k" * 10_000_000 + b'":}',
    ],
    ids=["number", "date", "controls", "fraction", "plain", "key"],
)
def test_a_complaint_is_short_however_long_the_input(body):
    """It goes into logs and into the dead letter."""
    text = refusal(body)
    assert len(text) <= 200
    assert text.isprintable()


def test_the_first_bad_date_is_named():
    """Also when the others are good."""
    good = '"created":"2017-01-01T00:00:01Z"'
    body = f'{{"type":"t","info":"i",{good},"started":"soon","ended":"late"}}'
    assert refusal(body.encode()) == "`started` is not an RFC 3339 date: 'soon'"


def letter(**fields):
    return DeadLetter(**{"reason": "not JSON", "topic": "load", **fields})


@given(st.binary() | st.text(st.characters(exclude_categories=["Cs"])).map(str.encode))
def test_the_original_bytes_come_back_exactly(original):
    """Text or not, empty or not."""
    assert decode_dead(encode_dead(letter(), original)).original == original


def test_text_is_kept_as_text():
    """So that it can be read by eye; the keys have a fixed order."""
    full = letter(channel="c", attempt=3, time="2017-01-01T00:00:01Z")
    assert encode_dead(full, b"not a task") == (
        b'{"reason":"not JSON","topic":"load","channel":"c","attempt":3,'
        b'"time":"2017-01-01T00:00:01Z","body":"not a task"}'
    )


def test_other_bytes_are_kept_in_base64():
    """JSON holds nothing but text."""
    body = json.loads(encode_dead(letter(), b"\xff\x00"))
    assert body == {"reason": "not JSON", "topic": "load", "body64": "/wA="}


def test_a_dead_letter_is_one_line():
    """Pipes and files separate messages by lines."""
    assert b"\n" not in encode_dead(letter(reason="a\nb"), b"c\nd\r\n")


def test_a_dead_topic_has_the_name_of_its_topic():
    """Anybody can find it."""
    assert dead_topic("load") == "load.dead"
    assert (is_dead_topic("load.dead"), is_dead_topic("load")) == (True, False)
    assert (origin_of("load.dead"), origin_of("load")) == ("load", "load")


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"{}", b'{"reason":"r"}', b"\xff", b'{"reason":1}']
)
def test_what_is_no_dead_letter_is_refused(body):
    """In one short line."""
    with pytest.raises(DecodeError, match="^not a dead letter: ") as caught:
        decode_dead(body)
    assert len(str(caught.value)) <= 200
    assert len(str(caught.value).splitlines()) == 1


def test_deep_nesting_is_refused():
    """A hundred thousand levels neither crash nor recurse without end."""
    with pytest.raises(DecodeError, match="^not a dead letter: nested too deeply$"):
        decode_dead(b'{"x":' * 100_000)


def test_half_of_a_surrogate_pair_in_the_reason_is_replaced():
    """A reason may quote a file name that is no UTF-8."""
    body = encode_dead(letter(reason="no file a\udcff"), b"x")
    assert decode_dead(body).reason == "no file a?"


def test_bad_base64_is_refused():
    """When the letter is read, not when it is sent back."""
    body = b'{"reason":"r","topic":"t","body64":"!"}'
    with pytest.raises(DecodeError, match="^not a dead letter: "):
        decode_dead(body)


def test_unknown_keys_are_dropped():
    """A newer release may write more."""
    body = b'{"reason":"r","topic":"t","body":"b","host":"h"}'
    assert decode_dead(body) == DeadLetter(reason="r", topic="t", body="b")
