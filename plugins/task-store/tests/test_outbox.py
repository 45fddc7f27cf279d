"""The outbox that taskmasters use: claims, sends, marks, takes over."""

from datetime import UTC, datetime

import pytest
from task_store import Claim, Outbox, StoreAwayError
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import PayloadError, SendError, Task, encode_task


def claim(key="k", info="", due=0.0):
    return Claim(key, "load", encode_task(Task(type="load", info=info, id="7")), due)


def infos(sent):
    return [task.info for task, _ in sent]


class Picky(RecordingBus):
    """Sends nothing where there is something bad."""

    def __init__(self, *errors):
        super().__init__()
        self.errors = [*errors]

    def record(self, call, things=()):
        if call == "send" and any(b"bad" in it.body for it in things):
            raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]
        super().record(call, things)


def test_what_is_ours_is_sent_and_marked(store, other):
    """And what is another one's is not."""
    other.claim([claim("theirs", "x")])

    def run(ctx):
        ours = Outbox(ctx, store).send(claim("theirs", "y"), claim("ours", "z"))
        assert ours == [False, True]

    assert infos(run_taskmaster(run)) == ["z"]
    assert store.find(["ours"])["ours"].sent
    assert not store.find(["theirs"])["theirs"].sent


def test_what_was_claimed_before_a_crash_is_sent_by_another_with_the_same_bytes(
    url, open_
):
    """It is late by a lease, and not lost."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    open_(url, clock=clock).claim([claim("k", "left behind")])  # and is killed here

    def run(ctx):
        outbox = Outbox(ctx, store)
        while not outbox.take_over():
            ctx.wait(outbox.left(60.0))

    bus = RecordingBus()
    run_taskmaster(run, clock=clock, bus=bus)
    assert [it.body for it in bus.sent] == [claim("k", "left behind").body]
    assert 1010 <= clock.time() <= 1012
    assert store.pending() == 0


def test_what_is_due_later_is_sent_then_and_not_before(url, open_):
    """Its sender may be another one."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    moments = []

    def run(ctx):
        outbox = Outbox(ctx, store)
        assert outbox.send(claim(due=1030.0)) == [True]
        while not outbox.take_over():
            ctx.wait(outbox.left(60.0))
        moments.append(ctx.clock.time())

    assert len(run_taskmaster(run, clock=clock)) == 1
    assert 1030 <= moments[0] <= 1032


def test_a_loop_of_its_own_sends_what_others_queue(url, open_):
    """Bodies of `deliveries` loops only commit."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    store.queue([claim(f"k{number}", str(number)) for number in range(250)])

    def run(ctx):
        Outbox(ctx, store).run()

    sent = run_taskmaster(run, clock=clock, until=at(1005))
    assert sorted(map(int, infos(sent))) == [*range(250)]


def test_old_keys_are_dropped_on_a_timer(url, open_):
    """A table must not grow for ever."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    store.claim([claim()])
    store.sent(["k"])

    def run(ctx):
        Outbox(ctx, store, dedup_window=60.0).run()

    run_taskmaster(run, clock=clock, until=at(5000))
    assert store.find(["k"]) == {}


def test_a_store_that_is_away_is_waited_for_with_one_line(url, open_, caplog):
    """Nothing is lost, and the log is not full of it."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    real, failures = store.claim, [StoreAwayError("store x: it cannot be reached")] * 5

    def claim_later(claims):
        if failures:
            raise failures.pop()
        return real(claims)

    store.claim = claim_later

    def run(ctx):
        assert Outbox(ctx, store).send(claim()) == [True]

    assert len(run_taskmaster(run, clock=clock)) == 1
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "store x: it cannot be reached; trying again until it is back"
    assert said[1].startswith("the store is back after")
    assert len(said) == 2


def test_who_does_not_insist_meets_a_store_that_is_away_and_goes_on(url, open_):
    """It looks again a minute later, and has time for all else meanwhile."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    store.queue([claim()])
    real, looks = store.take_over, []

    def look(limit):
        looks.append(clock.time())
        if len(looks) == 1:
            raise StoreAwayError("store x: it is read-only")
        return real(limit)

    store.take_over = look

    def run(ctx):
        outbox = Outbox(ctx, store, insists=False)
        with pytest.raises(StoreAwayError):
            outbox.take_over()
        assert outbox.take_over() == 0
        ctx.wait(outbox.left(9999.0))
        assert outbox.take_over() == 1

    assert len(run_taskmaster(run, clock=clock)) == 1
    assert looks == [1000.0, 1060.0]


def test_what_was_sent_before_a_failure_is_marked(store):
    """The rest is taken over."""
    bus = Picky(PayloadError("no topic", [1]), SendError("the broker is gone", [0]))

    def run(ctx):
        with pytest.raises(SendError):
            Outbox(ctx, store).send(claim("a", "good"), claim("b", "bad"))

    assert infos(run_taskmaster(run, bus=bus)) == ["good"]
    found = store.find(["a", "b"])
    assert found["a"].sent
    assert not found["b"].sent


@pytest.mark.parametrize("way", ["send", "send_from"])
def test_what_the_bus_refuses_ends_nobody_who_sends(url, open_, caplog, way):
    """It is claimed, so it would be met again: the other tasks go, and it is aside."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    claims = [claim("a", "one"), claim("b", "bad"), claim("c", "other")]

    def run(ctx):
        outbox = Outbox(ctx, store)
        if way == "send":
            assert outbox.send(*claims) == [True, True, True]
        else:
            assert outbox.send_from(lambda: claims) == [True, True, True]
        assert outbox.refused == {"b"}
        assert outbox.take_over() == 0
        outbox.send(claim("c"))
        assert outbox.refused == set()

    bus = Picky(PayloadError("bad is no topic", [0]))
    assert infos(run_taskmaster(run, clock=clock, bus=bus)) == ["one", "other"]
    told = "b cannot be sent, and is put aside for an hour: bad is no topic"
    assert caplog.messages == [told]
    assert store.pending() == 1
    assert 3590 < store.next_in() <= 3600


def test_what_cannot_be_sent_does_not_hold_up_the_others(url, open_, caplog):
    """It is told once an hour, and kept."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    store.queue([Claim("a", "load", b"bad"), claim("b", "good")])

    def run(ctx):
        Outbox(ctx, store).run()

    assert infos(run_taskmaster(run, clock=clock, until=at(4000))) == ["good"]
    assert [it.getMessage()[:20] for it in caplog.records] == ["a cannot be sent, an"]
    assert store.pending() == 1


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def test_it_tells_how_much_is_to_be_sent_to_who_asks(url, open_):
    """Counted at the start, then when somebody has asked, but not all the time."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    other = open_(url, clock=clock)
    seen = []

    def run(ctx):
        outbox = Outbox(ctx, store)
        seen.append(outbox.facts())
        for moment in (1, 2, 6):
            other.queue([claim(f"k{moment}", due=1100.0)])
            other.claim([claim(f"mine{moment}")])
            ctx.wait(1000.0 + moment - clock.time())
            outbox.take_over()
            seen.append(outbox.facts())
        ctx.wait(100.0)
        seen.append(outbox.facts())

    run_taskmaster(run, clock=clock)
    first, later = {"pending": 2, "due": 1}, {"pending": 6, "due": 3}
    assert seen == [{}, first, first, later, {}], "an old count is none"
