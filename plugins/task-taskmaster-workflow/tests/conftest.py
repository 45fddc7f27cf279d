"""What the tests of workflows share."""

import pytest
from brokers.store_fixtures import new_database, server  # noqa: F401  fixtures
from flows import FLOWS
from hypothesis import settings
from task_store import outbox
from task_taskmaster_workflow import timekeeper

# A busy machine is no failure.
settings.register_profile("workflow", deadline=None)
settings.load_profile("workflow")


class Files:
    """A folder of workflow files."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def write(self, text, name="shop.toml"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture(autouse=True)
def long_looks(monkeypatch):
    """Let hours of a test's clock pass in a few looks."""
    monkeypatch.setattr(timekeeper, "LOOK_EVERY", 300.0)
    monkeypatch.setattr(outbox, "LONGEST", 300.0)


@pytest.fixture(autouse=True)
def closed_stores():
    yield
    while FLOWS:
        FLOWS.pop().store.close()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "flows")
