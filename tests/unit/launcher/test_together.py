"""Rules of `task_core.launcher.together`: side by side, with one end."""

import threading
import time

import pytest

from task_core.errors import BusError, UsageError
from task_core.launcher.launcher import make_launcher
from task_core.launcher.stats import Stats
from task_core.launcher.together import Together


def test_it_ends_when_the_last_one_ends(memory, make_tasks):
    """Each reads its own topic; the counts are a sum."""
    memory.watch("done")
    memory.put(*make_tasks("a", "b"), topic="one")
    memory.put(*make_tasks("c"), topic="two")
    made = [
        make_launcher(str.upper, memory.open(), topic=topic, max_tasks=count)
        for topic, count in (("one", 2), ("two", 1))
    ]
    Together(made).run()
    assert sorted(task.msg for task in memory.tasks()) == ["A", "B", "C"]
    total = Stats.total([one.stats for one in made])
    assert (total.done, total.sent, total.results) == (3, {"done": 3}, {"complete": 3})
    assert made[0].stats.done == 2


def test_when_one_fails_the_others_are_stopped_and_the_worst_is_raised(script, memory):
    """With grace, however many fail: what they do is finished."""

    def fail(error):
        def raise_it(bus):
            raise error

        return script(bounded=False, on_receive=raise_it)

    made = [
        make_launcher(str.upper, bus, topic="load")
        for bus in (memory.open(), fail(UsageError("odd")), fail(BusError("gone")))
    ]
    with pytest.raises((BusError, UsageError)):
        Together(made).run()
    assert made[0].parts.stop.requested
    assert not made[0].parts.stop.hurries


def test_what_has_been_stopped_before_keeps_its_grace_when_another_one_fails(
    script, memory, make_tasks
):
    """A failure is no second signal."""
    memory.watch("done").put(*make_tasks("a"))
    reads, stopped = threading.Event(), threading.Event()

    def fail(bus):
        reads.set()
        assert stopped.wait(20)
        raise BusError("gone")

    def slow(info, ctx):
        assert reads.wait(20)
        together.stop()
        stopped.set()
        assert ctx.wait(20)
        while not together._errors:
            time.sleep(0.001)
        return "fine"

    bad = script(bounded=False, on_receive=fail)
    made = [make_launcher(slow, bus, topic="load") for bus in (memory.open(), bad)]
    together = Together(made)
    with pytest.raises(BusError, match="gone"):
        together.run()
    assert [task.msg for task in memory.tasks()] == ["fine"]


def test_a_stop_stops_all(memory):
    """As a signal does."""
    made = [make_launcher(str.upper, memory.open(), topic=topic) for topic in "ab"]
    together = Together(made)
    thread = threading.Thread(target=together.run)
    thread.start()
    assert all(one.began.wait(20) for one in made)
    together.stop()
    thread.join(20)
    assert not thread.is_alive()
