"""Fixtures for applications that send tasks; pytest finds them by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from task_testing.sent import TaskClient


@pytest.fixture
def task_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[TaskClient]:
    """A client on a memory bus of the test's own, which tells what was sent.

    `connect()` without a URL, in whatever the test calls, uses that bus too. What is
    sent with `unique` is remembered for this test alone.
    """
    monkeypatch.setenv("TASK_HOOKS_ONCE_STORE", f"sqlite://{tmp_path}/once.db")
    with TaskClient() as client:
        monkeypatch.setenv("TASK_BUS", client.url)
        yield client
