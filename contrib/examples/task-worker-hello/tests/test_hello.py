"""The worker of the example."""

from task_worker_hello.plugin import hello

from task_core.testing import run_worker


def test_hello_says_its_info() -> None:
    """The done task's message is the info."""
    done = run_worker(hello, "Hello World!")
    assert (done.result, done.msg) == ("complete", "Hello World!")
