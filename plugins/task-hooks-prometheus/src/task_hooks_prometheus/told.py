"""Metrics of what launchers and taskmasters tell of themselves when they are asked."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

Told = Iterable[Mapping[str, Any]]
"""What each launcher and taskmaster of this process tells."""


def backlogs(many: Told) -> Iterator[Metric]:
    """Return what waits on the buses, and how old it is; several may read the same."""
    labels = ["topic", "channel"]
    depth = GaugeMetricFamily("task_depth", "Waiting on the bus.", labels=labels)
    text = "Age of the oldest task that is held."
    oldest = GaugeMetricFamily("task_oldest_seconds", text, labels=labels)
    depths: dict[tuple[str, str], int] = {}
    ages: dict[tuple[str, str], float] = {}
    for one in many:
        reads = one.get("consumer", {})
        place = reads.get("topic", ""), reads.get("channel", "")
        if (count := one.get("depth")) is not None:
            depths[place] = count
        if (age := _age(one)) is not None:
            ages[place] = max(age, ages.get(place, 0.0))
    for place, count in depths.items():
        depth.add_metric(place, count)
    for place, age in ages.items():
        oldest.add_metric(place, age)
    yield from (depth, oldest)


def of_taskmasters(many: Told) -> Iterator[Metric]:
    """Return what is to be sent, and how phases of workflows are."""
    infos = [one.get("info", {}) for one in many]
    outboxes = [one["outbox"] for one in infos if one.get("outbox")]
    for name, text in (("pending", "Not sent yet."), ("due", "Should have been sent.")):
        metric = GaugeMetricFamily(f"task_outbox_{name}", text)
        if outboxes:
            metric.add_metric([], sum(one[name] for one in outboxes))
        yield metric
    labels = ["workflow", "phase"]
    text = "When a task of a phase was complete last."
    success = GaugeMetricFamily(
        "task_phase_last_success_timestamp_seconds", text, labels=labels
    )
    text = "How late a phase fires by its cron."
    lag = GaugeMetricFamily("task_schedule_lag_seconds", text, labels=labels)
    for phase in (phase for one in infos for phase in one.get("phases", ())):
        place = phase["workflow"], phase["phase"]
        if phase["last_success"]:
            success.add_metric(place, _seconds(phase["last_success"]))
        if phase["lag_seconds"] is not None:
            lag.add_metric(place, phase["lag_seconds"])
    yield from (success, lag)


def _age(told: Mapping[str, Any]) -> float | None:
    """Return the age of the oldest task that one holds; None: nobody knows.

    It reads in order: what waits behind that is not older.
    """
    if created := told.get("oldest"):
        return max(0.0, datetime.now(UTC).timestamp() - _seconds(created))
    return 0.0 if told.get("depth") == 0 else None


def _seconds(date: str) -> float:
    try:
        return datetime.fromisoformat(date).timestamp()
    except ValueError:
        return datetime.now(UTC).timestamp()
