"""Rules of `task_core.dead`."""

import json

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
