"""Rules of `task_core.api.message`: what is refused before any I/O."""

import attrs
import pytest

from task_core.api.capabilities import Capabilities, require
from task_core.api.message import Message, check_messages
from task_core.errors import PayloadError, UnsupportedCapabilityError


@attrs.frozen
class Declaring:
    """As much of a bus as is asked."""

    capabilities: Capabilities
    name: str = "list"


def check(*messages, **capabilities):
    check_messages(Declaring(Capabilities(**capabilities)), messages)


def test_requiring_what_is_no_capability_is_a_bug():
    """A typing error must not look like an answer."""
    with pytest.raises(AttributeError):
        require(Capabilities(), "acks", "list")


@pytest.mark.parametrize(
    ("name", "value"), [("delay", 1.0), ("priority", 1), ("headers", {"a": "b"})]
)
def test_a_message_may_ask_only_for_what_the_bus_declares(name, value):
    """Wherever it stands in the batch."""
    messages = Message("t", b"1"), Message("t", b"2", **{name: value})
    with pytest.raises(UnsupportedCapabilityError, match=f"'{name}'"):
        check(*messages)
    check(*messages, **{name: True})


def test_a_message_without_extras_asks_for_nothing():
    """Empty headers and no delay are no wish."""
    check(Message("t", b"", key="k", delay=0.0, priority=0, headers={}))


def test_a_message_needs_a_topic():
    """On every bus, or it could never be found again."""
    with pytest.raises(PayloadError, match=r"^topic required: a message names none$"):
        check(Message("t", b""), Message("", b""))


def test_a_body_may_be_as_long_as_the_bus_carries():
    """One byte more is refused, and the error tells both numbers."""
    check(Message("t", b"123"), max_bytes=3)
    expected = (
        "^bus 'list' carries at most 3 bytes in one message,"
        " this one for topic 't' has 4$"
    )
    with pytest.raises(PayloadError, match=expected):
        check(Message("t", b""), Message("t", b"1234"), max_bytes=3)


def test_every_refused_message_is_told_by_its_position():
    """So that the others can go on; the text is about the first."""
    good, long, nameless = (
        Message(t, b) for t, b in (("t", b"1"), ("t", b"12"), ("", b""))
    )
    with pytest.raises(PayloadError, match="at most 1") as caught:
        check(good, long, good, nameless, long, max_bytes=1)
    assert caught.value.refused == (1, 3, 4)
