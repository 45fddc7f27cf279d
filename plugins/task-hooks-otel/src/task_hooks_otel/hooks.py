"""The hooks: a span for each send, each run and each settle, and metrics."""

import time
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import attrs
from opentelemetry import context as contexts
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode

from task_core.api import Bus, Message, Outcome, Settled, Task, hookimpl
from task_hooks_otel import conventions as names
from task_hooks_otel.carrying import context_of, put, span_of
from task_hooks_otel.plugin import OtelOptions

NAME = "task_hooks_otel"
MOST_LINKS = 128
"""Links of a span; the limit of most SDKs."""
FAILED = ("error", "alert")
MOST_NAMES = 200
"""Types, and topics, that have series of their own: who sends tasks chooses them."""
LONGEST_NAME = 100
OTHER = "other"
"""The name of all others."""


def make(options: OtelOptions) -> "Otel":
    """Return the hooks."""
    return Otel(options)


@attrs.frozen(eq=False)
class Run:
    """A run that has begun.

    Args:
        span: Its span; one that records nothing where there are to be none.
        before: What was current before that span. Put back, and not undone by a token:
            a run that is left behind is told of in a copy of its context.
        begin: When it began.
    """

    span: Span
    before: Context
    begin: float


_RUN: ContextVar[Run | None] = ContextVar("task_hooks_otel", default=None)


class Otel:
    """Tells OpenTelemetry what launchers and taskmasters of this process do.

    Args:
        options: What is told.
    """

    def __init__(self, options: OtelOptions) -> None:
        self._spans = options.spans
        self._system = "task"
        self._tracer = trace.get_tracer(NAME)
        meter = metrics.get_meter(NAME) if options.metrics else metrics.NoOpMeter(NAME)
        self._duration = meter.create_histogram(names.PROCESS_DURATION, "s")
        self._consumed = meter.create_counter(names.CONSUMED, "{message}")
        self._sent = meter.create_counter(names.SENT, "{message}")
        self._types: set[str] = set()
        self._topics: set[str] = set()

    @hookimpl
    def bus_opened(self, bus: Bus) -> None:
        """Note what carries the tasks."""
        self._system = bus.name

    @hookimpl
    def task_before_send(
        self, task: Task, topic: str, parent: Task | None
    ) -> Task | None:
        """Make a span of sending, and let the task know its place in the trace."""
        if not self._spans or task is parent:  # a done task has that of its run
            return None
        origin = context_of(parent) or context_of(task)
        facts = self._facts(names.SEND, topic, task)
        span = self._tracer.start_span(
            f"{names.SEND} {topic}", origin, SpanKind.PRODUCER, facts
        )
        if span.get_span_context().is_valid:
            put(task, trace.set_span_in_context(span))
        span.end()
        return None

    @hookimpl
    def task_started(self, task: Task) -> None:
        """Begin the span of a run: what the worker itself traces is within."""
        before = contexts.get_current()
        span: Span = trace.INVALID_SPAN
        if self._spans:
            origin = context_of(task)
            links = [Link(span_of(origin))] if origin else []
            span = self._tracer.start_span(
                f"{names.PROCESS} {task.type}",
                origin,
                SpanKind.CONSUMER,
                self._facts(names.PROCESS, task.type, task),
                links,
            )
            contexts.attach(trace.set_span_in_context(span))
        _RUN.set(Run(span, before, time.perf_counter()))

    @hookimpl
    def task_finished(self, task: Task, outcome: Outcome) -> None:
        """End it; what the run has sent, and the done task, come from there."""
        run = _RUN.get()
        if run is None:
            return
        _RUN.set(None)
        if self._spans:
            contexts.attach(run.before)
        result = outcome.result or str(outcome.kind)
        run.span.set_attribute(names.TASK_RESULT, result)
        kind = _capped(task.type, self._types)
        facts = {names.SYSTEM: self._system, names.TASK_TYPE: kind}
        if result in FAILED:
            run.span.set_attribute(names.ERROR, result)
            run.span.set_status(StatusCode.ERROR, outcome.msg)
            facts[names.ERROR] = result
        if run.span.get_span_context().is_valid:
            put(task, trace.set_span_in_context(run.span))
        self._duration.record(time.perf_counter() - run.begin, facts)
        run.span.end()

    @hookimpl
    def batch_settled(self, batch: Sequence[Settled]) -> None:
        """Make a span of settling, with a link to each of the runs."""
        topic = batch[0].topic if batch else ""
        facts = {names.SYSTEM: self._system, names.DESTINATION: topic}
        self._consumed.add(len(batch), facts)
        if not self._spans:
            return
        origins = [context_of(one.task) for one in batch[:MOST_LINKS]]
        links = [Link(span_of(one)) for one in origins if one is not None]
        attributes = {**self._facts(names.SETTLE, topic, None), names.BATCH: len(batch)}
        span = self._tracer.start_span(
            f"{names.SETTLE} {topic}",
            contexts.Context(),
            SpanKind.CLIENT,
            attributes,
            links,
        )
        span.end()

    @hookimpl
    def task_sent(self, messages: Sequence[Message]) -> None:
        """Count what was sent."""
        topics = Counter(_capped(one.topic, self._topics) for one in messages)
        for topic, count in topics.items():
            facts = {names.SYSTEM: self._system, names.DESTINATION: topic}
            self._sent.add(count, facts)

    def _facts(self, operation: str, topic: str, task: Task | None) -> dict[str, Any]:
        facts: dict[str, Any] = {
            names.SYSTEM: self._system,
            names.DESTINATION: topic,
            names.OPERATION: operation,
            names.OPERATION_TYPE: operation,
        }
        if task is not None:
            facts[names.TASK_TYPE] = task.type
            if task.id:
                facts[names.MESSAGE_ID] = task.id
            if task.job:
                facts[names.TASK_JOB] = task.job
        return facts


def _capped(name: str, known: set[str]) -> str:
    """Return the name that a series has: its own, up to a number of names."""
    name = name[:LONGEST_NAME]
    if name not in known:
        if len(known) >= MOST_NAMES:
            return OTHER
        known.add(name)
    return name
