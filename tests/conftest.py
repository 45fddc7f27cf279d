"""Settings of all tests."""

import logging
import os

import pytest
from hypothesis import settings

from task_core import shown

# A busy machine is no failure: rules about time have tests of their own.
settings.register_profile("task", deadline=None)
settings.load_profile("task")

# Hooks that are installed are at work in every launcher: the core is tried without.
os.environ.setdefault(
    "TASK_PLUGINS_DISABLED", "task-hooks-once,task-hooks-otel,task-hooks-prometheus"
)


@pytest.fixture
def unmeasured(monkeypatch):
    """Processes that the test starts import nothing for the sake of coverage."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch):
    """What one test told to hide is no secret of the next."""
    monkeypatch.setattr(shown, "_secrets", set())
    monkeypatch.setattr(shown, "_known", [])


@pytest.fixture(autouse=True)
def logging_as_before():
    """What a launch in this process has set up is gone after its test."""
    root = logging.getLogger()
    handlers, level, factory = (
        [*root.handlers],
        root.level,
        logging.getLogRecordFactory(),
    )
    yield
    root.handlers[:] = [one for one in root.handlers if one in handlers]
    root.setLevel(level)
    logging.setLogRecordFactory(factory)
    logging.captureWarnings(False)
