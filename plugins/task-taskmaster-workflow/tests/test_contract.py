"""The taskmaster keeps the contract."""

from datetime import UTC, datetime

import pytest
from task_taskmaster_workflow.options import Options
from task_taskmaster_workflow.plugin import workflow
from task_testing import Situation, TaskmasterContract

from task_core.api import Task, encode_task

FLOW = """
[[phase]]
task = "load"
cron = "0 * * * *"
template = "{hh}"

[[phase]]
task = "report"
dependsOn = "load"
template = "{yyyy}-{mm}-{dd}T{hh}"
"""
META = "workflow=shop.toml&cron=2026-01-04T23"


class TestWorkflow(TaskmasterContract):
    @pytest.fixture
    def plugin(self):
        return workflow

    @pytest.fixture
    def options(self, files):
        return Options(path=files.write(FLOW))

    @pytest.fixture
    def forget(self, options):
        return options.path.with_suffix(".store.db").unlink

    @pytest.fixture
    def situation(self):
        done = Task(
            type="load",
            info="23",
            id="run-1",
            meta=META,
            created="2026-01-05T00:00:00Z",
            result="complete",
        )
        return Situation(
            sends=[("report", "2026-01-04T23"), ("load", "01")],
            bodies=[encode_task(done)],
            start=datetime(2026, 1, 5, 0, 30, tzinfo=UTC),
            until=datetime(2026, 1, 5, 1, 30, tzinfo=UTC),
        )
