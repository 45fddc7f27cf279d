"""The hooks: they count in the bus thread, and show when they are asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry
from prometheus_client import generate_latest as generate

from task_core.api import Message, Settled, hookimpl
from task_hooks_prometheus.collector import Tasks
from task_hooks_prometheus.counts import Counts
from task_hooks_prometheus.options import PrometheusOptions

PATH = "/metrics"


def make(options: PrometheusOptions) -> "Metrics":
    """Return the hooks."""
    return Metrics(options)


class Metrics:
    """Counts what all launchers of this process do.

    Args:
        options: How.
    """

    def __init__(self, options: PrometheusOptions) -> None:
        self._counts = Counts(options)
        self._tasks = Tasks(self._counts, by_job=options.job)
        self._registry = CollectorRegistry()
        self._registry.register(self._tasks)

    @hookimpl
    def launcher_started(self, facts: Callable[[], Mapping[str, Any]]) -> None:
        """Ask a launcher for its state whenever Prometheus does."""
        self._counts.began()
        self._tasks.facts.append(facts)

    @hookimpl
    def batch_settled(self, batch: Sequence[Settled]) -> None:
        """Count what was settled."""
        self._counts.settled(batch)

    @hookimpl
    def task_sent(self, messages: Sequence[Message]) -> None:
        """Count what was sent."""
        self._counts.sent_all(messages)

    @hookimpl
    def status_page(self, path: str) -> tuple[str, bytes] | None:
        """Show ours, then what the process and the worker itself have registered."""
        if path != PATH:
            return None
        return CONTENT_TYPE_LATEST, generate(self._registry) + generate(REGISTRY)
