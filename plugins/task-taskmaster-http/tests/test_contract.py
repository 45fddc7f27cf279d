"""The taskmaster http keeps the contract of taskmasters."""

import http.client
import json
import threading

import pytest
from task_taskmaster_http.options import Options
from task_taskmaster_http.plugin import http as manifest
from task_taskmaster_http.rules import Rules
from task_taskmaster_http.taskmaster import HttpTaskmaster
from task_testing import Situation, TaskmasterContract

from task_core.api import TaskmasterPlugin

TASKS = [
    {"type": "load", "info": info, "id": info, "created": "2026-01-01T00:00:00Z"}
    for info in ("a", "b")
]


class Caller(HttpTaskmaster):
    """One that is called, and stopped after that."""

    def __init__(self, options):
        super().__init__(options, Rules(), "127.0.0.1", 0)

    def serving(self, ctx):
        threading.Thread(target=self._call, args=(ctx,), daemon=True).start()

    def _call(self, ctx):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        kind = {"Content-Type": "application/json"}
        try:
            connection.request("POST", "/tasks", json.dumps(TASKS), kind)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0  # the test has stopped it
        finally:
            connection.close()
        assert status == 202 or ctx.stopping
        ctx.stop()


class TestHttp(TaskmasterContract):
    patience = 30.0

    @pytest.fixture
    def plugin(self):
        return TaskmasterPlugin(
            name=manifest.name,
            summary=manifest.summary,
            options=Options,
            make=Caller,
        )

    @pytest.fixture
    def options(self, tmp_path):
        return Options(address="127.0.0.1:0", store=str(tmp_path / "http.store.db"))

    @pytest.fixture
    def situation(self):
        return Situation(sends=[("load", "a"), ("load", "b")])
