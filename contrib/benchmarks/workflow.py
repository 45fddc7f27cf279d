"""How many done tasks the taskmaster workflow handles on one core.

    python contrib/benchmarks/workflow.py [--tasks 20000] [--rounds 3]

Done tasks come in lists of 500, are matched, and what follows is claimed in a store of
SQLite. The time is that of the processor, so that a busy machine does not count.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from table import terminal
from task_store import open_store
from task_taskmaster_workflow.folder import Library
from task_taskmaster_workflow.following import Topics
from task_taskmaster_workflow.taskmaster import DoneTasks
from task_testing import RecordingBus, run_taskmaster

from task_core.api import Task

FLOW = """
[[phase]]
task = "load"
cron = "@daily"
[[phase]]
task = "report"
dependsOn = "load"
template = "?day={yyyy}-{mm}-{dd}&file={meta:file}"
[[phase]]
task = "left"
cron = "@daily"
[[phase]]
task = "right"
cron = "@daily"
[[phase]]
task = "both"
dependsOn = ["left", "right"]
template = "?day={yyyy}-{mm}-{dd}"
"""
AT_ONCE = 500
META = "workflow=flow.toml&cron=2026-01-05T00&file=s3%3A%2F%2Fx%2Fy.json&n={}"


def done(kind: str, count: int) -> list[Task]:
    """Return tasks that are done."""
    return [
        Task.new(kind, f"s3://shop/{n}", meta=META.format(n), id=f"run-{n}")
        for n in range(count)
    ]


def joined(count: int) -> list[Task]:
    """Return pairs of parents, one after the other."""
    both = zip(done("left", count // 2), done("right", count // 2), strict=True)
    return [task for pair in both for task in pair]


def rate(folder: Path, tasks: list[Task]) -> float:
    """Return how many of them are handled in a second of the processor."""
    (folder / "flow.toml").write_text(FLOW)
    library = Library(folder / "flow.toml")
    store = open_store(str(folder / "store.db"))
    store.check()
    found = []

    def handle(ctx: object) -> None:
        follower = DoneTasks(ctx, library, store, Topics(failed="f", alerts="a"))
        begin = time.process_time()
        for start in range(0, len(tasks), AT_ONCE):
            follower.handle(tasks[start : start + AT_ONCE])
        found.append(len(tasks) / (time.process_time() - begin))

    run_taskmaster(handle, bus=RecordingBus())
    store.close()
    return found[0]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    kinds = {
        "no follower": done("both", given.tasks),
        "one child each": done("load", given.tasks),
        "a join of two each": joined(given.tasks),
    }
    lines = []
    for name, tasks in kinds.items():
        for task in tasks:
            task.result = "complete"
        rates = []
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory() as folder:
                rates.append(rate(Path(folder), tasks))
        lines.append((name, f"{statistics.median(rates):,.0f}/s"))
    print(terminal(("done tasks that have", "handled"), lines))


if __name__ == "__main__":
    main()
