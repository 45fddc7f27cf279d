"""Counts of a launcher, under the names that the Go system gives them."""

from collections import Counter
from collections.abc import Sequence
from copy import copy
from datetime import timedelta
from typing import Any

from task_core.clock import Clock
from task_core.shown import noun
from task_core.values import format_duration


class Stats:
    """What happened so far. Written by who has the bus.

    Args:
        clock: For the run time.
        received: Messages taken from the bus.
        finished: Tasks that went through a slot.
        done: Tasks reported as done.
        odd: Done tasks by result, those left out that are complete without a word.
        retried: Failed tasks that were sent to run again.
        put_off: Tasks that were sent back without a run, since they could not run now.
        dead: Messages that went to the dead topic.
        returned: Deliveries given back.
        lost: Deliveries that went to others before they were settled.
        abandoned: Tasks that would not stop within the kill time.
        replaced: Slots that had ended, and have a successor.
        leaked: Threads that were left behind, since their run did not end.
        busy: Seconds spent in slots.
        sent: Messages by topic.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begin = clock.monotonic()
        self.received = 0
        self.finished = 0
        self.done = 0
        self.odd: Counter[str] = Counter()
        self.retried = 0
        self.put_off = 0
        self.dead = 0
        self.returned = 0
        self.lost = 0
        self.abandoned = 0
        self.replaced = 0
        self.leaked = 0
        self.busy = 0.0
        self.sent: Counter[str] = Counter()

    @classmethod
    def total(cls, many: Sequence["Stats"]) -> "Stats":
        """Return the sum of what launchers did that ran side by side."""
        total = copy(max(many, key=lambda one: one.runtime))
        for name, count in vars(total).items():
            if not name.startswith("_"):
                zero = type(count)()
                now = [_now(getattr(one, name)) for one in many]
                setattr(total, name, sum(now, zero))
        return total

    def since(self, before: "Stats") -> "Stats":
        """Return what has happened since; `before` is an older sum of the same."""
        since = copy(self)
        for name, count in vars(self).items():
            if not name.startswith("_"):
                setattr(since, name, count - getattr(before, name))
        return since

    @property
    def runtime(self) -> float:
        """Seconds since the launcher was made."""
        return self._clock.monotonic() - self._begin

    @property
    def failed(self) -> int:
        """How many tasks are done with `error` or `alert`."""
        return self.odd["error"] + self.odd["alert"]

    @property
    def results(self) -> dict[str, int]:
        """Done tasks by result."""
        plain = self.done - sum(self.odd.values())
        return {**self.odd, "complete": plain + self.odd["complete"]}

    def words(self, unreported: int = 0) -> list[str]:
        """Return the counts for people, those that are 0 left out.

        Args:
            unreported: Tasks that are done and not reported.
        """
        parts = [f"{count:,} {name}" for name, count in sorted(self.results.items())]
        extras = {
            "sent to the dead topic": self.dead,
            "to run again": self.retried,
            "put off": self.put_off,
            "given back": self.returned,
            "gone to others": self.lost,
            "forced to close": self.abandoned,
            f"{noun(self.replaced, 'slot')} replaced": self.replaced,
            f"{noun(self.leaked, 'run')} left behind": self.leaked,
            "not reported": unreported,
        }
        return parts + [f"{count:,} {name}" for name, count in extras.items() if count]

    def snapshot(
        self, *, buses: tuple[str, str], topic: str, channel: str, running: int
    ) -> dict[str, Any]:
        """Return the counts in the shape of the Go system's status page.

        Args:
            buses: Names of the bus that is read and of the one that is written.
            topic, channel: What is read.
            running: Tasks in the slots now.
        """
        counts: dict[str, Any] = {
            "runtime": format_duration(timedelta(seconds=round(self.runtime, 3))),
            "tasks_consumed": self.finished,
            "tasks_running": running,
        }
        if self.finished:
            mean = timedelta(seconds=round(self.busy / self.finished, 2))
            counts["mean_tasktime"] = format_duration(mean)
        counts["producer"] = {"bus": buses[1], "sent": dict(sorted(self.sent.items()))}
        counts["consumer"] = {
            "bus": buses[0],
            "topic": topic,
            "channel": channel,
            "received": self.received,
        }
        return counts


def _now(count: Any) -> Any:
    """Return a count as it is now: a bus thread may add a topic at any moment."""
    return Counter(dict(count)) if isinstance(count, Counter) else count


def summary(stats: Stats, unreported: int) -> str:
    """Say in one line what a launcher did."""
    return f"{', '.join(stats.words(unreported))} in {stats.runtime:.2f}s"
