"""What the tests of programs share."""

import stat

import pytest
from task_worker_exec.worker import make_exec


@pytest.fixture
def program(tmp_path):
    def program(text, name="program"):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return program


@pytest.fixture
def make():
    made = []

    def make(command, once=False):
        made.append(make_exec(command, once=once))
        return made[-1]

    yield make
    for worker in made:
        worker.close()
