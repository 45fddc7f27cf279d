"""The contract of workers: what the launcher and the users of one rely on."""

import contextlib
import io
import logging
import threading
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from task_core import make_launcher
from task_core.api.plugin import API_VERSIONS, WorkerPlugin
from task_core.task import Result, Task
from task_core.wire import decode_task, encode_task
from task_testing.contract.backdoor import not_offered
from task_testing.contract.kit import SUITE, Contract
from task_testing.contract.results import Title
from task_testing.doubles import RecordingBus
from task_testing.harness import Trial, default_options, try_worker

RESULTS = {result.value for result in Result}


class WorkerContract(Contract, defines=True):
    """Every rule that a worker keeps. Give fixtures, run pytest.

    Args:
        label: Tells two classes for one plugin apart.
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
    label: ClassVar[str] = ""
    patience: ClassVar[float] = 10.0

    @pytest.fixture
    def plugin(self) -> WorkerPlugin:
        """Give the manifest."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'plugin'")

    @pytest.fixture
    def options(self, plugin: WorkerPlugin) -> Any:
        """Give the options; by default those that nobody has set."""
        return default_options(plugin)

    @pytest.fixture
    def tasks(self) -> list[Task]:
        """Give tasks that it completes."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'tasks'")

    @pytest.fixture
    def bad_tasks(self) -> list[Task]:
        """Give tasks that it cannot do, for example with a wrong info."""
        return []

    def test_the_manifest_speaks_a_known_api(self, plugin: WorkerPlugin) -> None:
        """And says in one line what it is for."""
        oldest, newest = API_VERSIONS["worker"]
        assert oldest <= plugin.api <= newest
        assert plugin.summary
        assert "\n" not in plugin.summary

    def test_the_launcher_can_call_it(self, plugin: WorkerPlugin, options: Any) -> None:
        """Its parameters are ones that the launcher can give."""
        make_launcher(plugin, RecordingBus(), options=options).run()

    def test_it_completes_its_tasks(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """`complete`, with whatever message."""
        assert tasks
        for task in tasks:
            done = try_worker(plugin, replace(task), options=options).done
            assert (done.result, done.msg) == (Result.COMPLETE, done.msg)

    def test_the_done_task_is_the_task_that_came(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Type, job, info, id and creation are not the worker's to change."""
        for task in tasks:
            done = try_worker(plugin, replace(task), options=options).done
            for name in ("type", "job", "info", "id", "created"):
                assert getattr(done, name) == getattr(task, name)

    def test_doing_a_task_twice_does_no_harm(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Every bus may deliver twice: the second time ends like the first."""
        for task in tasks:
            runs = [try_worker(plugin, replace(task), options=options) for _ in "12"]
            assert runs[0].done.result == runs[1].done.result

    def test_what_it_cannot_do_is_an_error_and_says_why(
        self, plugin: WorkerPlugin, options: Any, bad_tasks: list[Task]
    ) -> None:
        """Never an exception that ends the launcher, never silence."""
        if not bad_tasks:
            not_offered("tasks that it cannot do")
        for task in bad_tasks:
            done = try_worker(plugin, replace(task), options=options).done
            assert done.result in RESULTS - {Result.COMPLETE}
            assert done.msg

    def test_what_it_sends_can_be_carried(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Done tasks and children go over the wire and come back the same."""
        for task in tasks:
            trial = try_worker(plugin, replace(task), options=options)
            for sent in (trial.done, *(child for child, _ in trial.children)):
                assert sent.type
                assert encode_task(decode_task(encode_task(sent))) == encode_task(sent)

    def test_it_ends_when_the_launcher_stops(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Interrupted or done, but it returns an outcome, and soon."""
        trials: list[Trial] = []

        def run() -> None:
            for task in tasks:
                copy = replace(task)
                trials.append(try_worker(plugin, copy, options=options, cancelled=True))

        runner = threading.Thread(target=run, daemon=True)
        runner.start()
        runner.join(self.patience)
        assert not runner.is_alive(), "it goes on after the stop"
        assert len(trials) == len(tasks)
        assert all(t.done.result in RESULTS for t in trials)

    def test_it_prints_nothing(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """Data goes to the bus, words to `ctx.log`."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            for task in tasks:
                try_worker(plugin, replace(task), options=options)
        assert printed.getvalue() == ""

    def test_it_leaves_the_logging_of_others_alone(
        self, plugin: WorkerPlugin, options: Any, tasks: list[Task]
    ) -> None:
        """The command line decides what is shown."""
        root = logging.getLogger()
        before = (root.level, list(root.handlers))
        for task in tasks:
            try_worker(plugin, replace(task), options=options)
        assert (root.level, list(root.handlers)) == before

    def _title(self, request: pytest.FixtureRequest) -> Title:
        plugin: WorkerPlugin = request.getfixturevalue("plugin")
        return Title(
            kind=self.kind,
            name="-".join(filter(None, (plugin.name, self.label))),
            broker="no bus",
            suite=SUITE,
            total=len(self._rules),
        )

    def _offers(self, request: pytest.FixtureRequest, capability: str) -> bool:
        return True
