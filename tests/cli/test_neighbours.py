"""Files beside a worker hide nothing of Python, whatever they are called."""

import pytest
from cli_lines import line, lines

WORKER = """
import concurrent.futures
import queue
from multiprocessing.pool import ThreadPool  # it imports what is hidden in the folder


def hello(info: str) -> str:
    return f"{info} {queue.__file__}"


async def soon(info: str) -> str:
    return f"{info} {queue.__file__}"
"""
HIDING = ("concurrent", "http", "queue", "selectors", "socket")


@pytest.fixture
def crowded(folder):
    """A folder of a worker and of files that are called as modules of Python."""
    (folder / "my_worker.py").write_text(WORKER)
    for name in HIDING:
        (folder / f"{name}.py").write_text("x = 1\n")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("./my_worker.py:hello",),
        ("./my_worker.py:soon",),
        ("my_worker:hello",),
        ("./my_worker.py:hello", "--pool", "process"),
        ("./my_worker.py:hello", "--bus", "file", "--topic", "tasks.json"),
    ],
    ids=" ".join,
)
def test_a_worker_among_files_called_as_modules_of_python_does_its_tasks(
    task, crowded, words
):
    """The launcher imports those itself, some of them later."""
    (crowded / "tasks.json").write_bytes(line("t", "a"))
    more = ("--done-topic", "-") if "--bus" in words else ()
    done = task("launch", "-w", *words, *more, stdin=line("t", "a"))
    assert done.returncode == 0, done.stderr.decode()
    told = lines(done.stdout)[0]["msg"]
    assert told.startswith("a ")
    assert not told.startswith(f"a {crowded}")


def test_a_worker_file_may_be_called_as_a_module_of_python(task, crowded):
    """It hides nothing either, and what it imports itself is Python's."""
    source = "import queue\ndef work(info): return queue.__file__\n"
    (crowded / "queue.py").write_text(source)
    done = task("launch", "-w", "./queue.py:work", stdin=line("t", "a"))
    assert done.returncode == 0, done.stderr.decode()
    assert str(crowded) not in lines(done.stdout)[0]["msg"]
