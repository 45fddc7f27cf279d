"""Rules of the hooks prometheus."""

import json
import os
import re
import shutil
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


def test_who_has_settled_nothing_yet_tells_when_it_began(hooks):
    """Nothing was settled in 1970: no panel and no alert counts from there."""
    hooks.launcher_started(dict)
    began = metrics(hooks)["task_last_settle_timestamp_seconds",]
    assert began == pytest.approx(time.time(), abs=300)
    hooks.launcher_started(dict)
    assert metrics(hooks)["task_last_settle_timestamp_seconds",] == began


def test_what_is_put_off_is_neither_a_try_nor_a_wait(hooks):
    """It has not run, however often it comes."""
    dates = {"created": "2027-01-01T00:00:00Z", "started": "2027-01-01T00:00:05Z"}
    hooks.batch_settled([settled(fate="later", **dates), settled(**dates)])
    found = metrics(hooks)
    assert found["task_put_off_total", "load"] == 1
    assert ("task_retries_total", "load") not in found
    assert found["task_run_seconds_count", "load"] == 1
    assert found["task_wait_seconds_count", "load"] == 1


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


def test_long_names_share_a_series_and_are_not_kept():
    """They are as many as somebody likes to send, and the series is one."""
    hooks = make(PrometheusOptions(job=True))
    for number in range(9):
        long = f"{'x' * 100}{number}"
        hooks.batch_settled([settled(long, job=long, created=long)])
    found = metrics(hooks)
    assert found["task_tasks_total", "x" * 100, "x" * 100, "complete"] == 9
    counts = hooks._counts
    assert (len(counts.series), counts._found, counts._waits) == (1, {}, {})


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
    # Whatever state it is in: also one that is paused, or stops, has a bus or none.
    state |= {"state": "stopping", "away": "refused"}
    assert metrics(hooks)["task_bus_up",] == 0


def test_a_backlog_is_told_where_the_bus_knows_it(hooks):
    """Once for launchers that read the same; a bus that cannot count has none."""
    reads = {"consumer": {"topic": "load", "channel": "a"}}
    for depth in (7, 7, None):
        hooks.launcher_started(lambda depth=depth: {**reads, "depth": depth})
    hooks.launcher_started(lambda: {"consumer": {"topic": "load", "channel": "b"}})
    found = [name for name in metrics(hooks) if name[0] == "task_depth"]
    assert len(found) == 1
    assert metrics(hooks)[found[0]] == 7


def test_the_oldest_task_is_the_oldest_of_all_that_are_held(hooks):
    """None are held and none wait: it is 0; some wait and none are held: who knows."""
    reads = {"consumer": {"topic": "load", "channel": "a"}}
    for created in ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", ""):
        hooks.launcher_started(lambda made=created: {**reads, "oldest": made})
    for name, depth in (("idle", 0), ("paused", 7)):
        other = {"consumer": {"topic": "load", "channel": name}, "depth": depth}
        hooks.launcher_started(lambda told=other: {**told, "oldest": ""})
    (ages,) = (
        {one.labels["channel"]: one.value for one in family.samples}
        for family in parse(hooks.status_page("/metrics")[1].decode())
        if family.name == "task_oldest_seconds"
    )
    assert ages["a"] == pytest.approx(time.time() - 1_767_225_600, abs=300)
    assert ages == {"a": ages["a"], "idle": 0}


def test_taskmasters_tell_what_is_to_be_sent_and_how_their_phases_are(hooks):
    """A phase that was never complete, or has no cron, has no figure."""
    hooks.launcher_started(lambda: {"consumer": {"bus": "nsq"}, "info": INFO})
    hooks.launcher_started(lambda: {"info": {"error": "its info() raised"}})
    page = hooks.status_page("/metrics")[1].decode().splitlines()
    phase = '{phase="load:a",workflow="w.toml"}'
    told = [one for one in page if re.match("task_(outbox|phase|schedule)", one)]
    assert told == [
        "task_outbox_pending 5.0",
        "task_outbox_due 2.0",
        f"task_phase_last_success_timestamp_seconds{phase} 1.7987616e+09",
        f"task_schedule_lag_seconds{phase} 0.5",
    ]


def test_dead_letters_of_a_topic_count_from_zero(hooks):
    """A counter that appears with the first one has never increased: no alert."""
    hooks.launcher_started(lambda: {"consumer": {"topic": "load", "channel": "a"}})
    assert metrics(hooks)["task_dead_total", "load"] == 0
    hooks.batch_settled([Settled(None, "load", "dead", 6, 0.0)])
    assert metrics(hooks)["task_dead_total", "load"] == 1


def test_a_taskmaster_counts_what_it_puts_aside_and_no_done_tasks(hooks):
    """Those were counted where they ran."""
    hooks.launcher_started(lambda: {"consumer": {"bus": "nsq", "topics": ["done"]}})
    assert metrics(hooks)["task_dead_total", "done"] == 0
    read = Settled(Task(type="load", info="x", result="error"), "done", "read", 1, 0.0)
    hooks.batch_settled([read, Settled(None, "done", "dead", 1, 0.0)])
    found = metrics(hooks)
    assert found["task_dead_total", "done"] == 1
    assert not [name for name in found if name[0] == "task_tasks_total"]


def test_other_pages_are_somebody_elses(hooks):
    """It answers for its own alone."""
    assert hooks.status_page("/other") is None


def test_buckets_must_grow():
    """Others would count nothing."""
    with pytest.raises((ValueError, OptionError)):
        PrometheusOptions(buckets=(1.0, 1.0))


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
    assert 'task_dead_total{topic="work"} 0.0' in text
    assert "process_cpu_seconds_total" in text


INFO = {
    "outbox": {"pending": 5, "due": 2},
    "phases": [
        {
            "workflow": "w.toml",
            "phase": "load:a",
            "last_success": "2027-01-01T00:00:00+00:00",
            "lag_seconds": 0.5,
        },
        {"workflow": "w.toml", "phase": "sum", "last_success": "", "lag_seconds": None},
    ],
}
"""What a taskmaster tells of itself."""


def names():
    """Return the names of all metrics that there may be."""
    hooks = make(PrometheusOptions())
    state = {"running": {"load": 1}, "depth": 7, "oldest": "2027-01-01T00:00:00Z"}
    reads = {"topic": "load", "channel": "load"}
    hooks.launcher_started(lambda: {**state, "consumer": reads})
    hooks.launcher_started(lambda: {"consumer": {"bus": "nsq"}, "info": INFO})
    dead = Settled(None, "load", "dead", 6, 0.0)
    dates = {"created": "2027-01-01T00:00:00Z", "started": "2027-01-01T00:00:05Z"}
    again = [settled(fate="retry"), settled(fate="later")]
    hooks.batch_settled([settled(**dates), *again, dead])
    hooks.task_sent([Message("done", b"")])
    return {name[0] for name in metrics(hooks)}


ALERTED = """
rule_files: [{alerts}]
tests:
  - interval: 1m
    input_series:
      - {{series: 'task_bus_up{{instance="a"}}', values: '0x60'}}
      - {{series: 'task_dead_total{{topic="load"}}', values: '0x30 1x30'}}
      - {{series: 'task_tasks_total{{type="t",result="error"}}', values: '0+3x60'}}
      - {{series: 'task_tasks_total{{type="t",result="complete"}}', values: '0+7x60'}}
      - {{series: 'task_wait_seconds_bucket{{type="t",le="600"}}', values: '0x60'}}
      - {{series: 'task_wait_seconds_bucket{{type="t",le="3600"}}', values: '0+9x60'}}
      - {{series: 'task_wait_seconds_bucket{{type="t",le="+Inf"}}', values: '0+9x60'}}
      - {{series: 'task_wait_seconds_bucket{{type="short",le="60"}}', values: '0x60'}}
      - series: 'task_wait_seconds_bucket{{type="short",le="+Inf"}}'
        values: '0+9x60'
      - {{series: 'task_wait_seconds_sum{{type="short"}}', values: '0+9000x60'}}
      - {{series: 'task_wait_seconds_count{{type="short"}}', values: '0+9x60'}}
      - series: 'task_oldest_seconds{{topic="load",channel="load"}}'
        values: '0+120x60'
      - {{series: 'task_outbox_due{{instance="a"}}', values: '3x60'}}
      - series: 'task_schedule_lag_seconds{{workflow="w.toml",phase="load"}}'
        values: '0+60x60'
      - {{series: 'task_running{{instance="a",type="t"}}', values: '1x120'}}
      - series: 'task_last_settle_timestamp_seconds{{instance="a"}}'
        values: '0x120'
      - {{series: 'task_running{{instance="idle",type="t"}}', values: '_x60 1x60'}}
      - series: 'task_last_settle_timestamp_seconds{{instance="idle"}}'
        values: '0x120'
      - {{series: 'task_running{{instance="busy",type="t"}}', values: '1x120'}}
      - series: 'task_last_settle_timestamp_seconds{{instance="busy"}}'
        values: '0+60x120'
      - {{series: 'task_depth{{topic="load",channel="load"}}', values: '5+5x60'}}
    alert_rule_test:
"""
ALERT = """
      - eval_time: {at}
        alertname: {name}
        exp_alerts: [{labels}]
"""
EXPECTED = [
    ("TaskBusAway", "10m", "severity: critical, instance: a, job: task"),
    ("TasksDead", "35m", "severity: warning, topic: load"),
    ("TasksFail", "40m", "severity: warning, type: t"),
    (
        "TasksWait",
        "40m",
        "severity: warning, type: t",
        "severity: warning, type: short",
    ),
    ("TasksOld", "50m", "severity: warning, topic: load, channel: load"),
    ("TaskWorkerStands", "70m", "severity: warning, instance: a"),
    ("TasksPileUp", "60m", "severity: warning, topic: load, channel: load"),
    ("TaskOutboxStands", "20m", "severity: critical, instance: a"),
    ("TaskPhaseLate", "20m", "severity: warning, workflow: w.toml, phase: load"),
]


def scraped(text):
    """Return series with the labels that Prometheus puts on whatever it scrapes."""

    def labelled(found):
        name, labels = found.groups()
        instance = "" if "instance=" in labels else 'instance="z",'
        return f"series: '{name}{{job=\"task\",{instance}{labels}}}'"

    return re.sub(r"series: '(\w+){(.*?)}'", labelled, text)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here")
def test_every_alert_fires_when_it_should(tmp_path):
    """As Prometheus itself reads the rules."""
    alerts = (CONTRIB / "alerts.yml").read_text()
    assert {*re.findall("alert: (.*)", alerts)} == {name for name, *_ in EXPECTED}
    plain = re.sub(r" +annotations:\n +summary: .*\n", "", alerts)
    (tmp_path / "alerts.yml").write_text(plain)
    text = scraped(ALERTED.format(alerts="alerts.yml"))
    for name, at, *fired in EXPECTED:
        labels = ", ".join(f"exp_labels: {{{one}}}" for one in fired)
        text += ALERT.format(name=name, at=at, labels=labels)
    (tmp_path / "tests.yml").write_text(text)
    for words in (
        ["test", "rules", tmp_path / "tests.yml"],
        ["check", "rules", CONTRIB / "alerts.yml"],
    ):
        done = subprocess.run(
            ["promtool", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here")
def test_the_names_of_metrics_are_as_prometheus_wants_them(hooks):
    """Units, endings and help texts."""
    hooks.batch_settled([settled()])
    page = hooks.status_page("/metrics")[1]
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, check=False
    )
    told = [line for line in done.stderr.splitlines() if line.startswith(b"task_")]
    assert (done.stdout, told) == (b"", [])


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
