"""Two environments share one cluster: the topics of each begin alike."""

import json
import subprocess
import sys
import uuid

TASK = [sys.executable, "-m", "task_core"]
RUN = ("launch", "-w", "echo", "--topic", "load", "--type-policy", "run", "--drain")


def task(kafka, prefix, *words):
    """Run a command in one environment."""
    where = ("--bus", f"kafka://{kafka.bootstrap}?partitions=1", "--prefix", prefix)
    return subprocess.run(
        [*TASK, *words, *where],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )


def topics(kafka, prefix):
    """Return what an environment sees: topic, channel, and what waits."""
    rows = json.loads(task(kafka, prefix, "topics", "--json").stdout)
    return {(row["topic"], row["channel"]): row["waiting"] for row in rows}


def test_environments_on_one_cluster_do_not_see_each_other(kafka):
    """Neither their tasks nor their groups: the same names are others there."""
    here, there = (f"{name}-{uuid.uuid4().hex[:8]}." for name in ("staging", "live"))
    task(kafka, here, "send", "load", "a")
    task(kafka, there, "send", "load", "b")
    ran = task(kafka, here, *RUN)
    assert f"reads topic {here}load" in ran.stderr
    assert "1 complete" in ran.stderr
    assert topics(kafka, here)["load", "echo"] == 0
    assert ("load", "echo") not in topics(kafka, there)
    assert "1 complete" in task(kafka, there, *RUN).stderr
    for prefix in (here, there):
        assert {topic for topic, _ in topics(kafka, prefix)} >= {"load", "done"}
