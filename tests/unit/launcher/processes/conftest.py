"""What tests of slots that are processes share: a launcher with them, and a journal."""

import pytest

from task_core.launcher.launcher import make_launcher


@pytest.fixture(autouse=True)
def journal(tmp_path, monkeypatch):
    """Where workers note what they do; returns its lines."""
    path = tmp_path / "journal"
    path.touch()
    monkeypatch.setenv("POOL_LOG", str(path))
    return lambda: path.read_text().splitlines()


@pytest.fixture
def work(memory, make_tasks):
    """Run a worker in processes over some tasks; return their done tasks by info."""

    def work(worker, *infos, **settings):
        memory.watch("done", "children").put(*make_tasks(*infos))
        settings = {"drain": True, "pool": "process", **settings}
        made = make_launcher(worker, memory.open(), topic="load", **settings)
        made.run()
        work.stats = made.stats
        return {task.info: task for task in memory.tasks("done")}

    return work
