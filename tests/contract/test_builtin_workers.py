"""The core's own workers keep the contract, and wrong workers do not."""

import pytest
from task_testing import WorkerContract

from task_core.builtin.workers import NopOptions, echo, nop
from task_core.task import Task


class TestEcho(WorkerContract):
    @pytest.fixture
    def plugin(self):
        return echo

    @pytest.fixture
    def tasks(self):
        return [Task.new("echo", info) for info in ("", "Hello", "a\nb", "Grüße 🚀")]


class TestNop(WorkerContract):
    @pytest.fixture
    def plugin(self):
        return nop

    @pytest.fixture
    def tasks(self):
        return [Task.new("nop", "")]


class TestFailingNop(TestNop):
    label = "failing"
    expected_failures = {  # noqa: RUF012  replaced, never changed
        "test_it_completes_its_tasks": "it is told to fail, for tests of others"
    }

    @pytest.fixture
    def options(self):
        return NopOptions(fail_rate=100)

    @pytest.fixture
    def bad_tasks(self, tasks):
        return tasks
