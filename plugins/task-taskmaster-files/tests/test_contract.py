"""The taskmaster keeps the contract."""

from datetime import UTC, datetime

import pytest
from task_taskmaster_files.plugin import Options, files
from task_testing import Situation, TaskmasterContract

RULES = """
[[rule]]
files = "{folder}/in/*.csv"
type = "load"
template = "{{filename}}"
existing = "send"
every = "5s"
"""


class TestFiles(TaskmasterContract):
    @pytest.fixture
    def plugin(self):
        return files

    @pytest.fixture
    def options(self, tmp_path):
        (tmp_path / "in").mkdir()
        for name in ("a.csv", "b.csv", "c.txt"):
            (tmp_path / "in" / name).write_text("x")
        rules = tmp_path / "rules.toml"
        rules.write_text(RULES.format(folder=tmp_path))
        return Options(rules=rules)

    @pytest.fixture
    def forget(self, options):
        return options.rules.with_suffix(".store.db").unlink

    @pytest.fixture
    def situation(self):
        return Situation(
            sends=[("load", "a.csv"), ("load", "b.csv")],
            start=datetime(2026, 1, 5, tzinfo=UTC),
            until=datetime(2026, 1, 5, 0, 1, tzinfo=UTC),
        )
