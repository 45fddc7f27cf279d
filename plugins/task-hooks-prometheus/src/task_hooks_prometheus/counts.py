"""What is counted: plain numbers, written by bus threads, read when Prometheus asks."""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from task_core.api import Message, Settled
from task_hooks_prometheus.options import PrometheusOptions

NOT_TRIED = ("ignored", "read")
"""Fates of tasks that somebody else counts, or nobody."""
OTHER = "other"
"""The label of what is beyond the cap."""
LONGEST = 100
"""Characters of a label."""
MOST_WAITS = 10_000
"""Pairs of dates that are remembered: many tasks have the same."""

Key = tuple[str, ...]
"""Type, and the job where that is told apart."""


class Histogram:
    """How many values there were up to each limit.

    Args:
        limits: They grow.
    """

    def __init__(self, limits: Sequence[float]) -> None:
        self.limits = limits
        self.counts = [0] * (len(limits) + 1)
        self.sum = 0.0


class Series:
    """What is counted of one type, or of one job of it.

    Args:
        limits: Of the histograms.
    """

    def __init__(self, limits: Sequence[float]) -> None:
        self.results: dict[str, int] = {}
        self.retries = 0
        self.put_off = 0
        self.run = Histogram(limits)
        self.wait = Histogram(limits)


class Counts:
    """Everything that is counted for all launchers of this process.

    Args:
        options: The cap, the buckets, and whether jobs are told apart.
    """

    def __init__(self, options: PrometheusOptions) -> None:
        self.series: dict[Key, Series] = {}
        self.dead: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.last_settle = 0.0
        self.lock = threading.Lock()
        """Several launchers may count at once: taken once for a batch."""
        self._limits = options.buckets
        self._most = options.most_types
        self._by_job = options.job
        self._found: dict[object, Series] = {}
        self._topics: dict[str, str] = {}
        self._waits: dict[tuple[str, str], float | None] = {}

    def began(self) -> None:
        """Note that a launcher begins: it has settled nothing since then."""
        with self.lock:
            self.last_settle = self.last_settle or time.time()

    def settled(self, batch: Sequence[Settled]) -> None:
        """Count what was settled."""
        with self.lock:
            self._count(batch)
            self.last_settle = time.time()

    def sent_all(self, messages: Sequence[Message]) -> None:
        """Count what was sent, by topic."""
        with self.lock:
            for topic, count in Counter([one.topic for one in messages]).items():
                self.sent[self._topic(topic)] += count

    def label(self, kind: str) -> str:
        """Return the label of a type."""
        kind = kind[:LONGEST]
        room = len(self.series) < self._most
        return kind if room or any(key[0] == kind for key in self.series) else OTHER

    def _count(self, batch: Sequence[Settled]) -> None:
        """Count; once for each task, so it is one piece without calls."""
        found, by_job, limits = self._found, self._by_job, self._limits
        waits = self._waits
        for one in batch:
            task, fate, took = one.task, one.fate, one.took
            if fate == "dead":
                self.dead[self._topic(one.topic)] += 1
            if task is None or fate in NOT_TRIED:
                continue
            name = (task.type, task.job) if by_job else task.type
            series = found.get(name) or self._series(task.type, task.job, name)
            if fate == "later":  # no run: nothing to measure
                series.put_off += 1
                continue
            if fate == "retry":
                series.retries += 1
            elif fate != "dead":
                results = series.results
                results[fate] = results.get(fate, 0) + 1
            if took:
                run = series.run
                run.counts[bisect_left(limits, took)] += 1
                run.sum += took
            if task.created:
                dates = (task.created, task.started)
                waited = waits[dates] if dates in waits else self._waited(dates)
                if waited is not None:
                    wait = series.wait
                    wait.counts[bisect_left(limits, waited)] += 1
                    wait.sum += waited

    def _series(self, kind: str, job: str, name: object) -> Series:
        """Return the series of a task: of its own, up to the cap."""
        parts = [kind, job] if self._by_job else [kind]
        key: Key = tuple(one[:LONGEST] for one in parts)
        if key not in self.series and len(self.series) >= self._most:
            key = (OTHER,) * len(key)
        if key not in self.series:
            self.series[key] = Series(self._limits)
        if key == tuple(parts):  # or what is remembered would grow for ever
            self._found[name] = self.series[key]
        return self.series[key]

    def _topic(self, topic: str) -> str:
        known = self._topics.get(topic)
        if known is None:
            if len(self._topics) >= self._most:
                return OTHER
            known = self._topics[topic] = topic[:LONGEST]
        return known

    def _waited(self, dates: tuple[str, str]) -> float | None:
        """Return the seconds between two dates of a task; None when they are none."""
        if len(self._waits) >= MOST_WAITS:
            self._waits.clear()
        try:
            created, started = map(datetime.fromisoformat, dates)
            waited = max(0.0, (started - created).total_seconds())
        except (ValueError, TypeError):
            waited = None
        if len(dates[0]) <= LONGEST:  # no date is longer, and it is kept
            self._waits[dates] = waited
        return waited
