"""Rules of the hooks prometheus."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from task_hooks_prometheus.hooks import make
from task_hooks_prometheus.options import PrometheusOptions

from task_core.api import Message, OptionError, Settled, Task

CONTRIB = Path(__file__).parents[3] / "contrib" / "grafana"


def settled(kind="load", fate="complete", took=0.02, job="", **dates):
    """Return what became of a task."""
    return Settled(Task(type=kind, info="x", job=job, **dates), "load", fate, 1, took)


def metrics(hooks):
    """Return all samples: name and values of labels -> value."""
    order = ["type", "job", "topic", "result", "le", "generation"]
    _, body = hooks.status_page("/metrics")
    return {
        (
            sample.name,
            *(sample.labels[one] for one in order if one in sample.labels),
        ): sample.value
        for family in parse(body.decode())
        for sample in family.samples
    }


@pytest.fixture
def hooks():
    return make(PrometheusOptions(buckets=(0.01, 0.1, 1)))


def test_tasks_are_counted_by_type_and_result(hooks):
    """Runs again and dead letters are counted apart."""
    dead = Settled(None, "load", "dead", 6, 0.0)
    kinds = [settled(), settled(), settled(fate="error"), settled(fate="retry"), dead]
    hooks.batch_settled(kinds)
    found = metrics(hooks)
    assert found["task_tasks_total", "load", "complete"] == 2
    assert found["task_tasks_total", "load", "error"] == 1
    assert found["task_retries_total", "load"] == 1
    assert found["task_dead_total", "load"] == 1
    assert found["task_last_settle_timestamp_seconds",] == pytest.approx(
        time.time(), abs=300
    )


def test_messages_are_counted_by_topic(hooks):
    """As the bus has confirmed them."""
    hooks.task_sent([Message("done", b""), Message("done", b""), Message("sum", b"")])
    found = metrics(hooks)
    assert (found["task_sent_total", "done"], found["task_sent_total", "sum"]) == (2, 1)


def test_times_are_histograms(hooks):
    """Of the run, and from created to started."""
    dates = {"created": "2027-01-01T00:00:00Z", "started": "2027-01-01T00:00:05+00:00"}
    hooks.batch_settled([settled(**dates), settled(took=0.5, created="nonsense")])
    found = metrics(hooks)
    assert found["task_run_seconds_bucket", "load", "0.01"] == 0
    assert found["task_run_seconds_bucket", "load", "0.1"] == 1
    assert found["task_run_seconds_bucket", "load", "+Inf"] == 2
    assert found["task_run_seconds_sum", "load"] == pytest.approx(0.52)
    assert found["task_wait_seconds_count", "load"] == 1
    assert found["task_wait_seconds_sum", "load"] == 5


def test_types_and_topics_beyond_the_cap_are_other():
    """Who sends whatever it likes costs no more memory than that."""
    hooks = make(PrometheusOptions(most_types=3))
    hooks.batch_settled([settled(f"t{number}") for number in range(10)])
    hooks.task_sent([Message(f"t{number}", b"") for number in range(10)])
    found = metrics(hooks)
    assert found["task_tasks_total", "other", "complete"] == 7
    assert found["task_sent_total", "other"] == 7
    assert len([name for name in found if name[0] == "task_tasks_total"]) == 4


def test_jobs_are_told_apart_where_that_is_asked_for():
    """It is a label more."""
    hooks = make(PrometheusOptions(job=True))
    hooks.batch_settled([settled(job="a"), settled(job="b")])
    assert metrics(hooks)["task_tasks_total", "load", "a", "complete"] == 1


def test_the_state_is_asked_for_when_prometheus_asks(hooks):
    """Of all launchers of the process."""
    state = {
        "state": "working",
        "window": {"slots": 4, "buffer": 2},
        "running": {"load": 3},
    }
    hooks.launcher_started(lambda: state)
    found = metrics(hooks)
    assert (found["task_slots",], found["task_window",]) == (4, 6)
    assert (found["task_running", "load"], found["task_bus_up",]) == (3, 1)
    state["state"] = "the bus is away: refused"
    assert metrics(hooks)["task_bus_up",] == 0


def test_other_pages_are_somebody_elses(hooks):
    """It answers for its own alone."""
    assert hooks.status_page("/other") is None


def test_buckets_must_grow():
    """Others would count nothing."""
    with pytest.raises((ValueError, OptionError)):
        PrometheusOptions(buckets=(1.0, 1.0))


def test_a_task_costs_less_than_three_microseconds_of_counting(hooks):
    """Told, not asserted: machines differ; the best of some rounds is printed."""
    batch = [
        settled(created="2027-01-01T00:00:00Z", started="2027-01-01T00:00:05Z")
    ] * 1000
    rounds = []
    for _ in range(5):
        begin = time.perf_counter()
        hooks.batch_settled(batch)
        rounds.append(time.perf_counter() - begin)
    print(f"{min(rounds) * 1000:.2f} microseconds a task")


def read(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        return client.makefile("rb").read().partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_a_launch_serves_them_at_its_status_address(tmp_path, pool):
    """The process pool too: all is counted in the bus thread."""
    (tmp_path / "work.py").write_text(
        "def work(info, ctx):\n    ctx.log.warning('at %s', info)\n"
        "    ctx.wait(600 * (info == 'b'))\n"
    )
    words = ["launch", "-w", "work.py:work", "--hooks", "prometheus", "--pool", pool]
    with subprocess.Popen(
        [sys.executable, "-m", "task_core", *words, "--status", "unix:s"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TASK_PLUGINS_DISABLED": ""},
    ) as process:
        process.stdin.write(b'{"type":"work","info":"a"}\n{"type":"work","info":"b"}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["info"] == "a"
        for line in process.stderr:
            if b"at b" in line:
                break
        # The message is out a moment before it is counted as settled.
        deadline = time.monotonic() + 60
        while 'result="complete"' not in (text := read(f"{tmp_path}/s")):
            assert time.monotonic() < deadline, text
        process.kill()
    assert 'task_running{type="work"} 1.0' in text
    assert "task_slots 1.0" in text
    assert "process_cpu_seconds_total" in text


def names():
    """Return the names of all metrics that there may be."""
    hooks = make(PrometheusOptions())
    hooks.launcher_started(dict)
    dead = Settled(None, "load", "dead", 6, 0.0)
    dates = {"created": "2027-01-01T00:00:00Z", "started": "2027-01-01T00:00:05Z"}
    hooks.batch_settled([settled(**dates), settled(fate="retry"), dead])
    hooks.task_sent([Message("done", b"")])
    return {name[0] for name in metrics(hooks)} | {"task_running"}


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yml"])
def test_the_dashboard_and_the_alerts_use_metrics_that_exist(file):
    """A panel of a metric that was renamed shows nothing, and an alert is silent."""
    text = (CONTRIB / file).read_text()
    if file.endswith(".json"):
        panels = json.loads(text)["panels"]
        text = "\n".join(one["expr"] for panel in panels for one in panel["targets"])
    used = {*re.findall(r"\btask_[a-z_]+", text)}
    assert used
    assert used <= names()


def test_the_dashboard_and_the_alerts_show_every_counter():
    """What nobody looks at need not be counted."""
    text = "".join(path.read_text() for path in CONTRIB.iterdir())
    derived = ("process_", "python_"), ("_created", "_sum", "_count")
    ours = {
        one
        for one in names()
        if not (one.startswith(derived[0]) or one.endswith(derived[1]))
    }
    assert ours <= {*re.findall(r"\btask_[a-z_]+", text)}
