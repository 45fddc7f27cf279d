"""The example keeps the contract of workers."""

import pytest
from task_testing import WorkerContract
from task_worker_hello.plugin import hello

from task_core.task import Task


class TestHello(WorkerContract):
    @pytest.fixture
    def plugin(self):
        return hello

    @pytest.fixture
    def tasks(self):
        return [Task.new("hello", "Hello World!")]
