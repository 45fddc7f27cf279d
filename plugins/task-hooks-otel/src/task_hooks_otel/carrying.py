"""How the place in a trace travels: as `traceparent` in a task's meta."""

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from task_core.api import Task, format_meta, parse_meta

KEYS = ("traceparent", "tracestate")
_PROPAGATOR = TraceContextTextMapPropagator()


def context_of(task: Task | None) -> Context | None:
    """Return where a task was sent from, or None when it does not say."""
    if task is None or KEYS[0] not in task.meta:
        return None
    try:
        meta = parse_meta(task.meta)
    except ValueError:
        return None
    carrier = {key: meta[key][-1] for key in KEYS if meta.get(key)}
    context = _PROPAGATOR.extract(carrier, Context())
    return context if span_of(context).is_valid else None


def span_of(context: Context) -> SpanContext:
    """Return the place in a trace that a context holds."""
    return get_current_span(context).get_span_context()


def put(task: Task, context: Context) -> None:
    """Write the place in a trace into a task."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context)
    meta = {**parse_meta(task.meta), **{key: [text] for key, text in carrier.items()}}
    task.meta = format_meta(meta)
