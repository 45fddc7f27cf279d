"""The taskmaster keeps the contract: on a fresh state, and for some hours."""

from datetime import UTC, datetime

import pytest
from task_taskmaster_cron.plugin import Options, cron
from task_testing import Situation, TaskmasterContract

RULES = """
[[rule]]
cron = "@hourly"
type = "load"
template = "{hh}"

[[rule]]
cron = "30 1 * * *"
type = "report"
"""


class TestCron(TaskmasterContract):
    @pytest.fixture
    def plugin(self):
        return cron

    @pytest.fixture
    def options(self, tmp_path):
        rules = tmp_path / "rules.toml"
        rules.write_text(RULES)
        return Options(rules=rules)

    @pytest.fixture
    def forget(self, options):
        return options.rules.with_suffix(".state.json").unlink

    @pytest.fixture
    def situation(self):
        return Situation(
            sends=[("load", "01"), ("report", ""), ("load", "02"), ("load", "03")],
            start=datetime(2026, 1, 5, tzinfo=UTC),
            until=datetime(2026, 1, 5, 3, 15, tzinfo=UTC),
        )
