"""How messages are sorted into commands."""

from hypothesis import given
from hypothesis import strategies as st
from task_bus_nsq.batches import make_batches, split

from task_core.api import Message

NAMES = {topic: topic.encode() for topic in "abc"}
messages = st.lists(
    st.builds(
        Message,
        topic=st.sampled_from(["a", "b", "c"]),
        body=st.binary(min_size=1, max_size=30),
        delay=st.sampled_from([0.0, 0.0, 0.0, 1.5]),
    ),
    min_size=1,
    max_size=30,
)


@given(messages)
def test_each_message_is_in_exactly_one_batch(sent):
    batches = make_batches(sent, NAMES, 100, 3600)
    positions = sorted(n for batch in batches for n in batch.positions)
    assert positions == list(range(len(sent)))
    for batch in batches:
        for position, body in zip(batch.positions, batch.bodies, strict=True):
            assert sent[position].body == body
            assert sent[position].topic.encode() == batch.topic


@given(messages)
def test_a_topic_keeps_its_order(sent):
    batches = [
        batch for batch in make_batches(sent, NAMES, 100, 3600) if not batch.delay
    ]
    for topic in (b"a", b"b", b"c"):
        order = [n for it in batches if it.topic == topic for n in it.positions]
        assert order == sorted(order)


@given(messages)
def test_no_batch_of_several_is_too_large(sent):
    for batch in make_batches(sent, NAMES, 100, 3600):
        if len(batch.bodies) > 1:
            assert 4 + sum(len(body) + 4 for body in batch.bodies) <= 100


@given(messages)
def test_a_delayed_message_travels_alone(sent):
    for batch in make_batches(sent, NAMES, 100, 3600):
        delays = [round(sent[n].delay * 1000) for n in batch.positions]
        assert delays == [batch.delay] if batch.delay else not any(delays)


def test_messages_of_one_topic_share_one_command():
    sent = [Message("a", b"1") for _ in range(100)]
    assert len(make_batches(sent, NAMES, 10_000, 3600)) == 1


@given(messages, st.integers(10, 200))
def test_a_batch_that_is_split_keeps_its_messages_in_their_order(sent, largest):
    """What an nsqd takes at once is told only when it was too much."""
    for batch in make_batches(sent, NAMES, 10_000, 3600):
        parts = split(batch, largest)
        assert [n for part in parts for n in part.positions] == batch.positions
        assert [it for part in parts for it in part.bodies] == batch.bodies
        for part in parts:
            assert part.size == 4 + sum(len(body) + 4 for body in part.bodies)
            assert part.size <= largest or len(part.bodies) == 1


def test_a_delay_that_is_too_long_is_shortened_and_told(caplog):
    (batch,) = make_batches([Message("a", b"1", delay=7200)], NAMES, 100, 3600)
    assert batch.delay == 3_600_000
    assert "--max-req-timeout" in caplog.text
