"""The command line, run in this process, and a place to install plugins."""

import io
import os
import sys

import attrs
import pytest
from task_testing.dists import write_distribution

from task_core.cli.main import main


@attrs.frozen(kw_only=True)
class Ran:
    """How a command went."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, empty; the environment says nothing about tasks."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    for name in os.environ:
        if name.startswith("TASK_"):
            monkeypatch.delenv(name)
    return home


@pytest.fixture
def task(folder, monkeypatch, capfd):
    """Run `task WORDS` here: `task("send", "hello", stdin=b"")`."""

    def run(*words, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        stdout = os.dup(1)  # commands give away the one that they have
        try:
            with pytest.raises(SystemExit) as stop:
                main([*words])
            sys.stdout.flush()
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
        out, err = capfd.readouterr()
        return Ran(code=stop.value.code, out=out, err=err)

    return run


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin: `install("bus", "nsq", source)`, where it is `plugin`."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    modules = []

    def write(kind, name, source):
        module = f"task_{kind}_{name}_mod".replace("-", "_")
        modules.append(module)
        write_distribution(
            site,
            f"task-{kind}-{name}",
            entry_points={f"task_core.{kind}": {name: f"{module}:plugin"}},
            modules={module: source},
        )

    yield write
    for module in modules:
        sys.modules.pop(module, None)
