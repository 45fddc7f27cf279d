"""Rules of the hooks otel, with the real SDK."""

import contextvars
import json
import logging
import os
import subprocess
import sys
import threading

import pytest
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from task_hooks_otel import hooks as module
from task_hooks_otel.hooks import make
from task_hooks_otel.plugin import OtelOptions

from task_core.api import Message, Settled, Task, complete, failed, parse_meta

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def spans():
    """Return what was exported: `spans() == [span, …]`."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    hooks = make(OtelOptions())
    hooks._tracer = provider.get_tracer("test")
    return hooks, exporter.get_finished_spans


@pytest.fixture
def measured(monkeypatch):
    """Return what makes hooks; and what reads attributes and values of a metric."""
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    monkeypatch.setattr(module.metrics, "get_meter", meters.get_meter)

    def read(name):
        return [
            (dict(point.attributes), getattr(point, "count", None) or point.value)
            for resource in reader.get_metrics_data().resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    return lambda **options: (make(OtelOptions(**options)), read)


def parent_of(task):
    """Return trace and span that a task comes from."""
    _, trace_id, span_id, _ = parse_meta(task.meta)["traceparent"][0].split("-")
    return trace_id, span_id


def ids(span):
    context = span.get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def test_a_run_is_a_child_of_its_sender_and_links_to_it(spans):
    """The done task continues from the run; other meta stays."""
    hooks, read = spans
    task = Task(type="load", id="7", info="a", meta=f"a=b%26c&traceparent={PARENT}")
    hooks.task_started(task)
    assert trace.get_current_span().is_recording(), "what the worker traces is within"
    hooks.task_finished(task, complete())
    assert not trace.get_current_span().is_recording()
    (span,) = read()
    assert span.name == "process load"
    assert (ids(span)[0], f"{span.parent.span_id:016x}") == (TRACE, "b7ad6b7169203331")
    assert [f"{one.context.span_id:016x}" for one in span.links] == ["b7ad6b7169203331"]
    assert span.attributes["messaging.message.id"] == "7"
    assert span.attributes["task.result"] == "complete"
    assert parent_of(task) == ids(span)
    assert parse_meta(task.meta)["a"] == ["b&c"]


def test_a_failure_is_one_of_the_span(spans):
    """With what was said."""
    hooks, read = spans
    task = Task(type="load", info="a")
    hooks.task_started(task)
    hooks.task_finished(task, failed("no such file"))
    (span,) = read()
    assert (span.status.is_ok, span.status.description) == (False, "no such file")
    assert span.attributes["error.type"] == "error"


def test_a_run_that_is_left_behind_ends_elsewhere(spans, caplog):
    """In a copy of its context, by another thread: its own one may hang for ever."""
    hooks, read = spans
    late, told = Task(type="load", info="a"), []

    def hang():
        hooks.task_started(Task(type="load", info="a"))
        told.append(contextvars.copy_context())

    def leave():
        told[0].run(hooks.task_finished, late, failed("timed out"))
        told.append(told[0].run(trace.get_current_span))

    with caplog.at_level(logging.DEBUG):
        for step in (hang, leave):
            thread = threading.Thread(target=step)
            thread.start()
            thread.join()
    (span,) = read()
    assert span.status.description == "timed out"
    assert parent_of(late) == ids(span)
    assert told[1] is trace.INVALID_SPAN
    assert caplog.messages == []


@pytest.mark.parametrize("on", [True, False])
def test_a_run_is_measured_without_spans_too(measured, on):
    """They are two switches. By its type: which topic it came from is not known."""
    hooks, read = measured(spans=on)
    before = contexts.get_current()
    task = Task(type="load", info="a")
    hooks.task_started(task)
    hooks.task_finished(task, failed("x"))
    named = {"messaging.system": "task", "task.type": "load", "error.type": "error"}
    assert read("messaging.process.duration") == [(named, 1)]
    assert contexts.get_current() == before
    assert module._RUN.get() is None


def test_types_and_topics_beyond_the_cap_are_other(measured):
    """Who sends whatever it likes makes no series without end."""
    hooks, read = measured()
    for number in range(module.MOST_NAMES + 7):
        task = Task(type=f"t{number}", info="a")
        hooks.task_started(task)
        hooks.task_finished(task, complete())
        hooks.task_sent([Message(f"t{number}", b"")])
    for metric, name in (
        ("messaging.process.duration", "task.type"),
        ("messaging.client.sent.messages", "messaging.destination.name"),
    ):
        found = {facts[name]: count for facts, count in read(metric)}
        assert len(found) == module.MOST_NAMES + 1
        assert found["other"] == 7


def test_a_child_continues_from_the_run_that_made_it(spans):
    """By a span of its own; the done task is left as it is."""
    hooks, read = spans
    task, child = Task(type="load", info="a"), Task(type="sum", info="b")
    hooks.task_started(task)
    hooks.task_finished(task, complete())
    hooks.task_before_send(child, "sums", task)
    before = task.meta
    hooks.task_before_send(task, "done", task)
    run, send = read()
    assert send.name == "send sums"
    assert f"{send.parent.span_id:016x}" == ids(run)[1]
    assert parent_of(child) == ids(send)
    assert task.meta == before


def test_settling_links_to_each_run(spans):
    """One span for all of them."""
    hooks, read = spans
    tasks = [
        Task(type="load", info="a", meta=f"traceparent={PARENT}"),
        Task(type="load", info="b"),
    ]
    batch = [Settled(one, "load", "complete", 1, 0.1) for one in [*tasks, None]]
    hooks.batch_settled(batch)
    hooks.task_sent([Message("done", b"")])
    (span,) = read()
    assert span.name == "settle load"
    assert len(span.links) == 1
    assert span.attributes["messaging.batch.message_count"] == 3


@pytest.mark.parametrize("meta", ["traceparent=x", "traceparent=", "%=&traceparent"])
def test_nonsense_in_the_meta_begins_a_trace(spans, meta):
    """Whoever has sent it."""
    hooks, read = spans
    task = Task(type="load", info="a", meta=meta)
    hooks.task_started(task)
    hooks.task_finished(task, complete())
    (span,) = read()
    assert span.parent is None


def test_without_an_sdk_nothing_changes():
    """The API alone traces nothing, and no meta grows."""
    hooks = make(OtelOptions())
    task = Task(type="load", info="a")
    hooks.task_started(task)
    hooks.task_before_send(Task(type="x", info=""), "x", None)
    hooks.task_finished(task, complete())
    assert task.meta == ""
    assert module._RUN.get() is None


WORK = """
import json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from task_core.api import Task

def line(span):
    return json.dumps({"span": span.name, "id": f"{span.context.span_id:016x}"}) + "\\n"

provider = TracerProvider()
exporter = ConsoleSpanExporter(out=sys.stderr, formatter=line)
provider.add_span_processor(SimpleSpanProcessor(exporter))
if not trace.get_tracer_provider().__class__.__module__.startswith("opentelemetry.sdk"):
    trace.set_tracer_provider(provider)

def work(info, ctx):
    ctx.send(Task.new("child", info))
"""


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_a_launch_traces_from_task_to_task(tmp_path, pool):
    """Done tasks and children carry where they come from, also from processes."""
    (tmp_path / "work.py").write_text(WORK)
    words = ["launch", "-w", "work.py:work", "--hooks", "otel", "--pool", pool]
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        cwd=tmp_path,
        input=json.dumps(
            {"type": "work", "info": "a", "meta": f"traceparent={PARENT}"}
        ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "TASK_PLUGINS_DISABLED": ""},
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(x) for x in done.stderr.splitlines() if x.startswith('{"span"')]
    spans_ = {one["span"]: one["id"] for one in told}
    assert {"process work", "send child", "settle work"} <= {*spans_}, done.stderr
    child, finished = map(json.loads, done.stdout.splitlines())
    for task, span in ((child, "send child"), (finished, "process work")):
        assert parse_meta(task["meta"])["traceparent"] == [
            f"00-{TRACE}-{spans_[span]}-01"
        ]
