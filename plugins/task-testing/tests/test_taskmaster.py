"""Rules of `task_testing.taskmaster`: time is the test's, so is what is sent."""

from datetime import UTC, datetime

import attrs
import pytest
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import (
    DecodeError,
    Message,
    SendError,
    Task,
    Taskmaster,
    decode_task,
    encode_task,
    option,
    taskmaster,
)
from task_core.errors import UsageError

START = datetime(2026, 1, 5, tzinfo=UTC)


def clock():
    return FakeClock(START.timestamp())


@taskmaster
def ticker(ctx):
    """Send a task each minute."""
    while not ctx.wait(60):
        ctx.send(Task.new("tick", clock=ctx.clock))


@attrs.frozen(kw_only=True)
class Options:
    """Options of a taskmaster."""

    topic: str = option("here", help="Where to.")


@taskmaster(options=Options)
class Sender(Taskmaster):
    """Sends one task."""

    def __init__(self, options):
        self.topic = options.topic

    def run(self, ctx):
        ctx.send(Task.new("load"), topic=self.topic)


def test_time_passes_at_once_until_the_test_says():
    """Day after day; what is due at the very end is not sent any more."""
    until = START.replace(day=7)
    sent = run_taskmaster(ticker, clock=clock(), until=until)
    created = [task.created for task, _ in sent]
    assert len(created) == 2 * 24 * 60 - 1
    assert (created[0], created[-1]) == ("2026-01-05T00:01:00Z", "2026-01-06T23:59:00Z")


def test_a_clock_is_given_back_as_it_came():
    """Its own `on_wait` is called as well, and is there afterwards."""
    own, waits = clock(), []
    own.on_wait = lambda: waits.append(own.stamp())
    kept = own.on_wait
    run_taskmaster(ticker, clock=own, until=START.replace(minute=2))
    assert waits == ["2026-01-05T00:01:00Z", "2026-01-05T00:02:00Z"]
    assert own.on_wait is kept


def test_options_are_those_of_the_plugin():
    """Its defaults, when there are none."""
    assert [topic for _, topic in run_taskmaster(Sender)] == ["here"]
    sent = run_taskmaster(Sender, options=Options(topic="there"))
    assert [topic for _, topic in sent] == ["there"]


def test_what_a_bus_delivers_ends_the_taskmaster():
    """One that answers needs no clock."""

    class Answering(Taskmaster):
        def run(self, ctx):
            for task in ctx.deliveries("done", "sum"):
                ctx.send(Task.new("next", task.info))

    bodies = [encode_task(Task.new("load", info)) for info in "ab"]
    bus = RecordingBus(bodies)
    sent = run_taskmaster(Answering(), bus=bus)
    assert [(task.info, topic) for task, topic in sent] == [
        ("a", "next"),
        ("b", "next"),
    ]
    assert [call for call, _ in bus.calls] == ["send", "ack"] * 2 + ["close"]


def test_only_what_this_run_sent_is_returned():
    """The test may have sent something itself."""
    bus = RecordingBus()
    bus.producer().send([Message("load", encode_task(Task.new("load")))])
    assert len(run_taskmaster(Sender, bus=bus)) == 1
    assert len(bus.sent) == 2


@pytest.mark.parametrize(
    "read",
    [
        lambda ctx: ctx.deliveries("done", "sum"),
        lambda ctx: ctx.messages("done", "sum", decode_task),
    ],
)
def test_what_is_no_task_is_a_dead_letter_that_is_not_returned(read):
    """As it is on a bus; the rest goes on."""

    def follow(ctx):
        for _ in read(ctx):
            ctx.send(Task.new("next"))

    bus = RecordingBus([b"nonsense", encode_task(Task.new("load"))])
    assert [topic for _, topic in run_taskmaster(follow, bus=bus)] == ["next"]
    assert sorted(it.topic for it in bus.sent) == ["done.dead", "next"]


def test_what_is_sent_otherwise_must_be_a_task():
    """Or nobody could do it."""

    class Odd(RecordingBus):
        def _producer(self):
            self.sent.append(Message("load", b"nonsense"))
            return super()._producer()

    with pytest.raises(DecodeError):
        run_taskmaster(Sender, bus=Odd())


def test_the_end_needs_a_zone():
    """It would be that of the machine on which the test runs."""
    with pytest.raises(ValueError, match="until needs a moment with a zone"):
        run_taskmaster(ticker, clock=clock(), until=datetime(2026, 1, 6))


def test_errors_come_out():
    """What the bus raises and the taskmaster does not catch is the test's to see."""

    class Silent(RecordingBus):
        def _producer(self):
            raise SendError("no")

    with pytest.raises(SendError):
        run_taskmaster(Sender, bus=Silent())


def follow(ctx):
    for task in ctx.deliveries("done", "audit"):
        ctx.send(Task.new("audit", task.msg))


@pytest.mark.parametrize(
    "target",
    [follow, taskmaster(follow), taskmaster(follow).make(None)],
    ids=["function", "plugin", "object"],
)
def test_whatever_can_be_launched_can_be_run(target):
    """In any form."""
    bus = RecordingBus([encode_task(Task(type="load", info="a", msg="good"))])
    assert [task.info for task, _ in run_taskmaster(target, bus=bus)] == ["good"]


def test_options_without_a_default_must_be_given():
    """The plugin is named, and the option."""

    @attrs.frozen
    class Needs:
        rules: str = option(help="Rules.")

    @taskmaster(options=Needs)
    class Cron(Taskmaster):
        """Never made."""

        run = None

    with pytest.raises(UsageError, match=r"'cron' has options without.*rules"):
        run_taskmaster(Cron)


class Several(Taskmaster):
    """Sends from two loops that wait for different times."""

    def loops(self):
        return [self.hours, self.minutes]

    def hours(self, ctx):
        while not ctx.wait(3600):
            ctx.send(Task.new("hour", clock=ctx.clock))

    def minutes(self, ctx):
        while not ctx.wait(25 * 60):
            ctx.send(Task.new("minutes", clock=ctx.clock))


def test_loops_share_one_time():
    """It passes while all of them wait, to the wait that ends first."""
    sent = run_taskmaster(Several(), clock=clock(), until=START.replace(hour=2))
    assert [(task.type, task.created[11:16]) for task, _ in sent] == [
        ("minutes", "00:25"),
        ("minutes", "00:50"),
        ("hour", "01:00"),
        ("minutes", "01:15"),
        ("minutes", "01:40"),
    ]


def test_time_passes_for_those_that_go_on():
    """A loop that has ended is not waited for."""

    class Uneven(Several):
        def minutes(self, ctx):
            for task in ctx.deliveries("done", "kit"):
                ctx.send(Task.new("next", task.info))

    bus = RecordingBus([encode_task(Task.new("load", "a"))])
    sent = run_taskmaster(Uneven(), clock=clock(), bus=bus, until=START.replace(hour=3))
    assert sorted(task.type for task, _ in sent) == ["hour", "hour", "next"]


def test_a_loop_that_is_woken_goes_on_at_once():
    """Time does not pass meanwhile."""

    class Waking(Taskmaster):
        def __init__(self):
            self.contexts = []

        def loops(self):
            return [self.sleeps, self.wakes]

        def sleeps(self, ctx):
            self.contexts.append(ctx)
            ctx.wait(3600)
            ctx.send(Task.new("woken", clock=ctx.clock))

        def wakes(self, ctx):
            ctx.wait(60)
            self.contexts[0].wake()
            ctx.wait(1)

    ((task, _),) = run_taskmaster(Waking(), clock=clock())
    assert task.created == "2026-01-05T00:01:00Z"


def waits(ctx):
    """Look at nothing."""
    while True:
        ctx.wait(3600)
        ctx.send(Task.new("load"))


def looks(ctx):
    """Look, and let no time pass."""
    while not ctx.stopping:
        pass


@pytest.mark.parametrize(
    ("never", "until", "tells"),
    [
        (waits, START.replace(day=6), "did not return after it was told to stop"),
        (waits, None, "did not return after it was told to stop"),
        (looks, START.replace(day=6), "still running after 0.3 s .* 'until'"),
    ],
)
def test_one_that_does_not_end_is_an_error(never, until, tells):
    """In one line, and soon."""
    with pytest.raises(TimeoutError, match=tells):
        run_taskmaster(never, clock=clock(), until=until, patience=0.3)
