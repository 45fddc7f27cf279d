"""How messages are sorted into commands."""

from hypothesis import given
from hypothesis import strategies as st
from task_bus_nsq.outbox import pack

from task_core.api import Message

messages = st.lists(
    st.builds(
        Message,
        topic=st.sampled_from(["a", "b", "c"]),
        body=st.binary(min_size=1, max_size=30),
        delay=st.sampled_from([0.0, 0.0, 0.0, 1.5]),
    ),
    max_size=30,
)


@given(messages)
def test_each_message_is_in_exactly_one_parcel(sent):
    parcels = pack(sent, 100)
    positions = sorted(n for parcel in parcels for n in parcel.positions)
    assert positions == list(range(len(sent)))
    for parcel in parcels:
        for position, body in zip(parcel.positions, parcel.bodies, strict=True):
            assert sent[position].body == body
            assert sent[position].topic.encode() == parcel.topic


@given(messages)
def test_a_topic_keeps_its_order(sent):
    parcels = [parcel for parcel in pack(sent, 100) if not parcel.delay]
    for topic in (b"a", b"b", b"c"):
        order = [n for it in parcels if it.topic == topic for n in it.positions]
        assert order == sorted(order)


@given(messages)
def test_no_parcel_of_several_is_too_large(sent):
    for parcel in pack(sent, 100):
        if len(parcel.bodies) > 1:
            assert 4 + sum(len(body) + 4 for body in parcel.bodies) <= 100


@given(messages)
def test_a_delayed_message_travels_alone(sent):
    for parcel in pack(sent, 100):
        delays = [round(sent[n].delay * 1000) for n in parcel.positions]
        assert delays == [parcel.delay] if parcel.delay else not any(delays)


def test_messages_of_one_topic_share_one_command():
    assert len(pack([Message("a", b"1") for _ in range(100)], 10_000)) == 1


def test_nothing_needs_no_command():
    assert pack([], 100) == []
