"""Rules of `task_core.launcher.batch`: what belongs to which delivery."""

from task_core.api.message import Delivery, Message
from task_core.launcher.batch import DEAD, RETRY, Batch


def message(text: str) -> Message:
    return Message("done", text.encode())


def filled() -> tuple[Batch, list[Delivery]]:
    """Three deliveries: one plain with two messages, one retried, one dead."""
    deliveries = [Delivery(b"same"), Delivery(b"same"), Delivery(b"same")]
    batch = Batch()
    batch.messages += [message("child"), message("done")]
    batch.deliveries.append(deliveries[0])
    batch.ends.append(2)
    batch.add(deliveries[1], RETRY, message("again"))
    batch.add(deliveries[2], DEAD, message("letter"))
    return batch, deliveries


def test_what_is_lost_takes_its_messages_and_fate_along():
    """Deliveries are told apart by who they are, not by what is in them."""
    batch, deliveries = filled()
    rest = batch.without([deliveries[1]])
    assert [
        d is deliveries[n] for d, n in zip(rest.deliveries, (0, 2), strict=True)
    ] == [True, True]
    assert [m.body for m in rest.messages] == [b"child", b"done", b"letter"]
    assert rest.ends == [2, 3]
    assert rest.counts() == {DEAD: 1}


def test_losing_nothing_changes_nothing():
    """A batch without strangers is the same batch."""
    batch, _ = filled()
    rest = batch.without([Delivery(b"same")])
    assert (rest.deliveries, rest.messages) == (batch.deliveries, batch.messages)
    assert (rest.ends, rest.fates) == (batch.ends, batch.fates)


def test_an_ignored_delivery_has_no_message():
    """It is acknowledged all the same."""
    batch = Batch()
    batch.add(Delivery(b"x"), "ignored", None)
    assert (len(batch), batch.messages, batch.ends) == (1, [], [0])
