"""The worker of the example."""

from task_testing import run_worker
from task_worker_hello.plugin import hello


def test_hello_says_its_info() -> None:
    """The done task's message is the info."""
    done = run_worker(hello, "Hello World!")
    assert (done.result, done.msg) == ("complete", "Hello World!")
