"""The taskmaster keeps the contract."""

import pytest
from task_taskmaster_retry.plugin import Options, retry
from task_testing import Situation, TaskmasterContract

from task_core.api import Task, encode_task

RULES = 'retried_topic = "-"\n[[rule]]\ntype = "load"\nretry = 2\nwait = "0s"\n'


class TestRetry(TaskmasterContract):
    @pytest.fixture
    def plugin(self):
        return retry

    @pytest.fixture
    def options(self, tmp_path):
        rules = tmp_path / "retry.toml"
        rules.write_text(RULES)
        return Options(rules=rules)

    @pytest.fixture
    def forget(self, options):
        return options.rules.with_suffix(".store.db").unlink

    @pytest.fixture
    def situation(self):
        done = {"created": "2026-01-05T00:00:00Z", "result": "error", "msg": "timeout"}
        tasks = [
            Task(type="load", info="a.csv", **done),
            Task(type="load", info="b.csv", meta="retry=2", **done),
            Task(type="load", info="c.csv", created="2026-01-05T00:00:00Z"),
        ]
        # What is given up is due before what waits.
        sends = [("load", "b.csv"), ("load", "a.csv")]
        return Situation(sends=sends, bodies=[encode_task(task) for task in tasks])
