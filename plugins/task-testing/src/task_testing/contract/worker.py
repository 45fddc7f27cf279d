"""The contract of workers: what the launcher and the users of one rely on."""

import threading
from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar

import pytest

from task_core import make_launcher
from task_core.api import (
    Result,
    Task,
    WorkerPlugin,
)
from task_testing.contract.backdoor import not_offered
from task_testing.contract.plugin import PluginContract
from task_testing.doubles import RecordingBus
from task_testing.harness import Trial, try_worker

RESULTS = {result.value for result in Result}


class WorkerContract(PluginContract, defines=True):
    """Every rule that a worker keeps. Give fixtures, run pytest.

    Args:
        patience: Seconds in which all its tasks end after a stop.

    Example:
        >>> class TestHello(WorkerContract):
        ...     @pytest.fixture
        ...     def plugin(self): return hello
        ...     @pytest.fixture
        ...     def tasks(self): return [Task.new("hello", "World")]
        ...     @pytest.fixture
        ...     def bad_tasks(self): return [Task.new("hello", "?times=many")]
    """

    kind = "worker"
    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def tasks(self) -> list[Task]:
        """Give tasks that it completes."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'tasks'")

    @pytest.fixture
    def bad_tasks(self) -> list[Task]:
        """Give tasks that it cannot do, for example with a wrong info."""
        return []

    @pytest.fixture
    def run(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> Callable[[], list[Task]]:
        """Do all the tasks; what is sent are the done ones and their children."""

        def run() -> list[Task]:
            trials = [try_worker(plugin, copy(task), options=options) for task in tasks]
            return [
                sent
                for trial in trials
                for sent in (trial.done, *(child for child, _ in trial.children))
            ]

        return run

    def test_the_launcher_can_call_it(self, plugin: WorkerPlugin, options: Any) -> None:
        """Its parameters are ones that the launcher can give."""
        make_launcher(plugin, RecordingBus(), options=options).run()

    def test_it_completes_its_tasks(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """`complete`, with whatever message."""
        assert tasks
        for task in tasks:
            done = try_worker(plugin, copy(task), options=options).done
            assert (done.result, done.msg) == (Result.COMPLETE, done.msg)

    def test_the_done_task_is_the_task_that_came(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Type, job, info, id and creation are not the worker's to change."""
        for task in tasks:
            done = try_worker(plugin, copy(task), options=options).done
            for name in ("type", "job", "info", "id", "created"):
                assert getattr(done, name) == getattr(task, name)

    def test_doing_a_task_twice_does_no_harm(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Every bus may deliver twice: the second time ends like the first."""
        for task in tasks:
            runs = [try_worker(plugin, copy(task), options=options) for _ in "12"]
            assert runs[0].done.result == runs[1].done.result

    def test_what_it_cannot_do_is_an_error_and_says_why(
        self, plugin: WorkerPlugin, options: Any, bad_tasks: list[Task]
    ) -> None:
        """Never an exception that ends the launcher, never silence."""
        if not bad_tasks:
            not_offered("tasks that it cannot do")
        for task in bad_tasks:
            done = try_worker(plugin, copy(task), options=options).done
            assert done.result in RESULTS - {Result.COMPLETE}
            assert done.msg

    def test_it_ends_when_the_launcher_stops(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Interrupted or done, but it returns an outcome, and soon."""
        trials: list[Trial] = []

        def run() -> None:
            trials.extend(
                try_worker(plugin, copy(task), options=options, cancelled=True)
                for task in tasks
            )

        runner = threading.Thread(target=run, daemon=True)
        runner.start()
        runner.join(self.patience)
        assert not runner.is_alive(), "it goes on after the stop"
        assert len(trials) == len(tasks)
        assert all(t.done.result in RESULTS for t in trials)
