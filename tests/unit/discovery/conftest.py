"""A folder on `sys.path` in which distributions can be installed."""

import sys
from pathlib import Path

import pytest
from task_testing.dists import write_distribution


class Site:
    """A made-up `site-packages`.

    Args:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = [str(folder)]

    def install(self, name, kind="bus", source=None, plugin="x", **more):
        """Install a distribution with one plugin; its module is `<name>_mod`."""
        module = f"{name.replace('-', '_')}_mod"
        return write_distribution(
            self.folder,
            name,
            entry_points={f"task_core.{kind}": {plugin: f"{module}:plugin"}},
            modules={} if source is None else {module: source},
            **more,
        )


@pytest.fixture
def site(tmp_path, monkeypatch):
    """What is imported from it is forgotten after the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield Site(tmp_path)
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
