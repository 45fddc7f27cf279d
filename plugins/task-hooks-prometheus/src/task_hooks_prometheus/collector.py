"""What Prometheus is given: the names and labels of all metrics are here."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from task_hooks_prometheus.counts import Counts, Histogram, Key
from task_hooks_prometheus.told import backlogs, of_taskmasters

Facts = Callable[[], Mapping[str, Any]]
"""Returns what a launcher or a taskmaster tells of itself."""


class Tasks(Collector):
    """All metrics of this process.

    Args:
        counts: What was counted.
        by_job: Whether jobs are told apart.
    """

    def __init__(self, counts: Counts, *, by_job: bool) -> None:
        self.facts: list[Facts] = []
        self._counts = counts
        self._labels = ["type", "job"] if by_job else ["type"]

    def collect(self) -> Iterator[Metric]:
        """Return them as they are now."""
        many = [one() for one in self.facts]
        with self._counts.lock:
            yield from [*self._counted(many), *self._measured()]
        yield from self._state(many)

    def _counted(self, many: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
        counts = self._counts
        # From 0 on: what appears with the first one has never increased.
        reads = [one.get("consumer", {}) for one in many]
        topics = [it["topic"] for it in reads if "topic" in it]
        topics += [topic for it in reads for topic in it.get("topics", ())]
        dead = {**dict.fromkeys(topics, 0), **counts.dead}
        tasks = CounterMetricFamily(
            "task_tasks", "Tasks done, by result.", labels=[*self._labels, "result"]
        )
        for key, one in counts.series.items():
            for result, count in one.results.items():
                tasks.add_metric([*key, result], count)
        yield tasks
        retries = {key: one.retries for key, one in counts.series.items()}
        yield self._again("task_retries", "Failed tasks sent to run again.", retries)
        put_off = {key: one.put_off for key, one in counts.series.items()}
        yield self._again("task_put_off", "Tasks sent to run later, unrun.", put_off)
        told = {"task_dead": "Messages put aside.", "task_sent": "Messages confirmed."}
        for name, found in (("task_dead", dead), ("task_sent", counts.sent)):
            metric = CounterMetricFamily(name, told[name], labels=["topic"])
            for topic, count in found.items():
                metric.add_metric([topic], count)
            yield metric

    def _again(
        self, name: str, text: str, found: Mapping[Key, int]
    ) -> CounterMetricFamily:
        metric = CounterMetricFamily(name, text, labels=self._labels)
        for key, count in found.items():
            if count:
                metric.add_metric(key, count)
        return metric

    def _measured(self) -> Iterator[Metric]:
        series = self._counts.series
        runs = {key: one.run for key, one in series.items()}
        yield self._histogram("task_run_seconds", "Time in a slot.", runs)
        waits = {key: one.wait for key, one in series.items()}
        text = "From created to started, whole seconds."
        yield self._histogram("task_wait_seconds", text, waits)

    def _histogram(
        self, name: str, text: str, found: Mapping[Key, Histogram]
    ) -> HistogramMetricFamily:
        metric = HistogramMetricFamily(name, text, labels=self._labels)
        for key, one in found.items():
            if any(one.counts):
                metric.add_metric(key, _buckets(one), one.sum)
        return metric

    def _state(self, many: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
        running = GaugeMetricFamily("task_running", "In a slot now.", labels=["type"])
        found: Counter[str] = Counter()
        for one in many:
            for kind, count in one.get("running", {}).items():
                found[self._counts.label(kind)] += count
        for kind, count in found.items():
            running.add_metric([kind], count)
        yield running
        yield from backlogs(many)
        yield from of_taskmasters(many)
        windows = [one.get("window", {}) for one in many]
        slots = sum(one.get("slots", 0) for one in windows)
        buffered = sum(one.get("buffer", 0) for one in windows)
        away = any(one.get("away") for one in many)
        last = self._counts.last_settle
        yield GaugeMetricFamily("task_slots", "Tasks at a time.", slots)
        yield GaugeMetricFamily("task_window", "Tasks held.", slots + buffered)
        yield GaugeMetricFamily("task_bus_up", "Whether the bus is there.", not away)
        yield GaugeMetricFamily(
            "task_last_settle_timestamp_seconds", "When it settled last.", last
        )


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    names = [*(str(float(limit)) for limit in histogram.limits), "+Inf"]
    return list(zip(names, accumulate(histogram.counts), strict=True))
