"""The worker keeps the contract."""

import shlex
import sys

import pytest
from task_testing import WorkerContract
from task_worker_exec.plugin import ExecOptions, exec_

from task_core.task import Task

SHOUT = """
import json, sys
for line in sys.stdin:
    info = json.loads(line)["info"]
    result = "complete" if info else "error"
    print(json.dumps({"result": result, "msg": info.upper() or "no info"}), flush=True)
"""


class TestExec(WorkerContract):
    @pytest.fixture
    def plugin(self):
        return exec_

    @pytest.fixture
    def options(self, tmp_path):
        program = tmp_path / "shout.py"
        program.write_text(SHOUT)
        return ExecOptions(command=shlex.join([sys.executable, str(program)]))

    @pytest.fixture
    def tasks(self):
        return [Task.new("exec", "quiet please")]

    @pytest.fixture
    def bad_tasks(self):
        return [Task.new("exec", "")]
