"""Rules of what clients are told: an argument that makes no sense is named."""

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from task_core.errors import DecodeError, PayloadError, UsageError
from task_core.task import Task
from task_core.wire import decode_task

VERBS = {
    "send": lambda client, **more: client.send("load", "a", **more),
    "send_many": lambda client, **more: client.send_many([Task.new("load")], **more),
    "call": lambda client, **more: client.call("load", "a", **more),
    "read": lambda client, **more: client.read(
        **{"topic": "load", "channel": "look", **more}
    ),
}


@pytest.mark.parametrize("span", ["5s", 5, timedelta(seconds=5)])
@pytest.mark.parametrize("verb", ["send", "send_many"])
def test_a_timeout_may_have_a_unit(client, verb, span):
    """As a delay."""
    assert VERBS[verb](client, timeout=span)


def test_a_call_and_a_reader_wait_as_long_as_a_text_says(client):
    """And the error of a call tells how long that was."""
    client.send("load", "a")
    assert [task.info for task in client.read("load", channel="x", timeout="50ms")]
    with pytest.raises(TimeoutError, match=r"is not done after 0\.05s: does a worker"):
        client.call("load", timeout="50ms")


@pytest.mark.parametrize("span", [math.inf, timedelta.max, 10**400])
@pytest.mark.parametrize("used", [False, True])
def test_a_timeout_may_be_for_ever(client, bus, span, used):
    """Whatever a lock can wait for."""
    if used:
        client.send("load", "a")
    assert client.send("load", "b", timeout=span)
    assert client.send_many([Task.new("load", "c")], timeout=span).count == 1
    with closing(client.read("load", channel="x", timeout=span)) as tasks:
        assert next(tasks)
    caller = ThreadPoolExecutor(1)
    call = caller.submit(client.call, "shout", "d", timeout=span)
    (delivery,) = bus.subscribe("shout", "w").receive(1, 60)
    client.send(decode_task(delivery.body), topic="done")
    assert call.result(60).info == "d"
    caller.shutdown()


def test_a_delay_is_not_for_ever(client):
    """Nobody would see it; and nothing is no time at all."""
    with pytest.raises(PayloadError, match="longer than 100 years"):
        client.send("load", delay=math.inf)
    with pytest.raises(UsageError, match="timeout: must not be negative, got nan"):
        client.send("load", timeout=math.nan)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("soon", "not a duration like 10s or 1h30m: 'soon'"),
        ("5", "5 of what"),
        (-1, "must not be negative, got -1"),
        ([], r"a text like '10s' or a number of seconds is wanted, not \[\]"),
        (True, "a text like '10s' or a number of seconds is wanted, not True"),
    ],
)
def test_what_is_no_timeout_is_named(client, verb, value, words):
    """Not what came of it inside."""
    with pytest.raises(UsageError, match=f"^timeout: {words}"):
        VERBS[verb](client, timeout=value)


@pytest.mark.parametrize("verb", VERBS)
def test_a_topic_is_a_text(client, verb):
    """On every bus, before anything is sent."""
    with pytest.raises(TypeError, match="^topic: a text is wanted, not 5"):
        VERBS[verb](client, topic=5)


@pytest.mark.parametrize(
    ("verb", "name", "words"),
    [
        ("send", "dely", "send has no argument 'dely': did you mean 'delay'?"),
        ("send", "mta", "send has no argument 'mta': did you mean 'meta'?"),
        ("call", "timeut", "call has no argument 'timeut': did you mean 'timeout'?"),
        ("call", "delay", "call has no argument 'delay'"),
    ],
)
def test_an_argument_that_there_is_not_is_told_with_the_nearest(
    client, verb, name, words
):
    """It is the verb that has none."""
    with pytest.raises(TypeError) as caught:
        VERBS[verb](client, **{name: 5})
    assert str(caught.value) == words
    with pytest.raises(TypeError, match=f"{verb} has no argument '{name}'"):
        getattr(client, verb)(Task.new("load"), **{name: 5})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"priority": "high"}, "priority: a whole number is wanted, not 'high'"),
        ({"priority": 1.5}, "priority: a whole number is wanted, not 1.5"),
        ({"priority": None}, None),
        ({"key": 5}, "key: a text is wanted, not 5"),
        ({"key": b"k"}, "key: a text is wanted, not b'k'"),
        ({"meta": {1: "a"}}, "meta is a text or a mapping of texts"),
    ],
)
def test_what_a_message_is_given_is_of_its_type(client, arguments, words):
    """Some buses would take it, and others fail in the middle."""
    if words is None:  # as good as none
        client.send("load", "a", **arguments)
        return
    with pytest.raises(TypeError, match=words):
        client.send("load", "a", **arguments)


@pytest.mark.parametrize("value", [b"hello", datetime(2026, 1, 1), uuid4(), 5, None])
@pytest.mark.parametrize("name", ["info", "id", "job"])
def test_what_is_no_text_is_not_sent_as_one(client, name, value):
    """JSON would have bytes in base64, and an id that nobody finds again."""
    if name == "id" and value is None:
        return  # a new one
    with pytest.raises(DecodeError, match=f"`{name}` "):
        client.send("load", **{name: value})
    task = Task(**{"type": "load", "info": "", name: value})
    assert f"`{name}` " in str(client.send_many([task]).error)
