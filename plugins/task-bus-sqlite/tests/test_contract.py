"""The bus keeps the contract."""

import pytest
from sqlite_backdoor import SqliteBackdoor
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite
from task_testing import BusContract


class TestSqlite(BusContract):
    @pytest.fixture
    def plugin(self):
        return sqlite

    @pytest.fixture
    def options(self, tmp_path):
        return SqliteOptions(path=str(tmp_path / "task.db"))

    @pytest.fixture
    def backdoor(self, plugin, options):
        return SqliteBackdoor(plugin, options)
