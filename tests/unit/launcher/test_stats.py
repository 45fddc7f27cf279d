"""Rules of `task_core.launcher.stats`: counts, under the names of the Go system."""

from collections import Counter

from task_core.launcher.stats import Stats


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


def make(clock=None):
    return Stats(clock or Clock())


def shoot(stats, running=0):
    return stats.snapshot(
        buses=("nsq", "kafka"), topic="load", channel="main", running=running
    )


def test_the_snapshot_has_the_names_of_the_go_system():
    """And their order."""
    clock = Clock()
    stats = make(clock)
    stats.received = 3
    stats.finished, stats.busy = 2, 0.02
    stats.sent.update(["done", "a", "done"])
    clock.now += 61.5
    assert shoot(stats, running=1) == {
        "runtime": "1m1.5s",
        "tasks_consumed": 2,
        "tasks_running": 1,
        "mean_tasktime": "10ms",
        "producer": {"bus": "kafka", "sent": {"a": 1, "done": 2}},
        "consumer": {"bus": "nsq", "topic": "load", "channel": "main", "received": 3},
    }
    assert list(shoot(stats))[:4] == [
        "runtime",
        "tasks_consumed",
        "tasks_running",
        "mean_tasktime",
    ]


def test_without_a_finished_task_there_is_no_mean():
    """As in the Go system."""
    assert "mean_tasktime" not in shoot(make())


def test_results_count_every_done_task_once():
    """What was sent to run again is not done."""
    stats = make()
    stats.done = 10
    stats.odd.update({"error": 2, "alert": 1, "warn": 1, "complete": 3})
    stats.retried = 1
    assert stats.results == {"complete": 6, "error": 2, "alert": 1, "warn": 1}
    assert stats.failed == 3
    assert sum(stats.results.values()) == stats.done


class Growing(Counter):
    """Has a topic more when somebody is half through it, as a bus thread may do it."""

    def items(self):
        """Yield the items."""
        for item in super().items():
            self["new"] += 1
            yield item


def test_a_sum_can_be_taken_while_topics_are_added():
    """Whoever counts now and then would end for good, or a status page fail."""
    stats = make()
    stats.sent = Growing(done=2)
    assert Stats.total([stats, stats]).sent == {"done": 4}


def test_one_slot_and_one_thread_are_told_as_one():
    """In the words of the last line."""
    stats = make()
    stats.replaced = stats.leaked = 1
    told = ["1 slot replaced", "1 run left behind"]
    assert stats.words()[-2:] == told
    stats.replaced = stats.leaked = 2_000
    told = ["2,000 slots replaced", "2,000 runs left behind"]
    assert stats.words()[-2:] == told
