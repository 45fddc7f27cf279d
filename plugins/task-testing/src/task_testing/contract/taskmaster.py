"""The contract of taskmasters: what the launcher and the users of one rely on."""

import contextlib
import io
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs
import pytest

from task_core import TaskmasterLoop
from task_core.api.plugin import API_VERSIONS, TaskmasterPlugin
from task_core.task import Task
from task_core.wire import decode_task, encode_task
from task_testing.contract.backdoor import not_offered
from task_testing.contract.kit import SUITE, Contract
from task_testing.contract.results import Title
from task_testing.doubles import FakeClock, RecordingBus
from task_testing.harness import default_options
from task_testing.taskmaster import run_taskmaster


@attrs.frozen(kw_only=True)
class Situation:
    """One situation, and what the taskmaster is to send in it.

    Args:
        sends: Type and info of the tasks to be sent, in order.
        bodies: What the bus delivers to it.
        start: When it begins.
        until: When it is stopped; None where it ends by itself.
    """

    sends: list[tuple[str, str]]
    bodies: list[bytes] = attrs.field(factory=list)
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    until: datetime | None = None


class TaskmasterContract(Contract, defines=True):
    """Every rule that a taskmaster keeps. Give fixtures, run pytest.

    Args:
        label: Tells two classes for one plugin apart.
        patience: Seconds in which it returns after a stop.

    Example:
        >>> class TestGreeter(TaskmasterContract):
        ...     @pytest.fixture
        ...     def plugin(self): return greeter
        ...     @pytest.fixture
        ...     def situation(self): return Situation(sends=[("hello", "World")])
    """

    kind = "taskmaster"
    label: ClassVar[str] = ""
    patience: ClassVar[float] = 5.0

    @pytest.fixture
    def plugin(self) -> TaskmasterPlugin:
        """Give the manifest."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'plugin'")

    @pytest.fixture
    def options(self, plugin: TaskmasterPlugin) -> Any:
        """Give the options; by default those that nobody has set."""
        return default_options(plugin)

    @pytest.fixture
    def situation(self) -> Situation:
        """Give a situation in which it sends something."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'situation'")

    @pytest.fixture
    def forget(self) -> Callable[[], object]:
        """Give what removes all that a run leaves for the next; by default nothing."""
        return lambda: None

    def test_the_manifest_speaks_a_known_api(self, plugin: TaskmasterPlugin) -> None:
        """And says in one line what it is for."""
        oldest, newest = API_VERSIONS["taskmaster"]
        assert oldest <= plugin.api <= newest
        assert plugin.summary
        assert "\n" not in plugin.summary

    def test_it_sends_what_it_should(
        self, plugin: TaskmasterPlugin, options: Any, situation: Situation
    ) -> None:
        """In this situation, and nothing else."""
        assert situation.sends
        sent = [(task.type, task.info) for task in _play(plugin, options, situation)]
        assert sent == situation.sends

    def test_it_sends_the_same_in_the_same_situation(
        self,
        plugin: TaskmasterPlugin,
        options: Any,
        situation: Situation,
        forget: Callable[[], object],
    ) -> None:
        """It asks `ctx.clock` for the time, and keeps nothing that is not known."""
        first = _play(plugin, options, situation)
        forget()
        second = _play(plugin, options, situation)
        for name in ("type", "job", "info", "created"):
            told = [getattr(task, name) for task in second]
            assert [getattr(task, name) for task in first] == told

    def test_what_it_sends_can_be_carried(
        self, plugin: TaskmasterPlugin, options: Any, situation: Situation
    ) -> None:
        """Over the wire and back."""
        for task in _play(plugin, options, situation):
            assert task.type
            assert encode_task(decode_task(encode_task(task))) == encode_task(task)

    def test_what_it_reads_is_settled_with_what_it_sends(
        self, plugin: TaskmasterPlugin, options: Any, situation: Situation
    ) -> None:
        """Each delivery once, and what came of it before."""
        if not situation.bodies:
            not_offered("reading tasks")
        bus = RecordingBus(situation.bodies)
        _play(plugin, options, situation, bus)
        acked = [body for call, held in bus.calls if call == "ack" for body in held]
        assert acked == situation.bodies

    def test_it_returns_when_it_is_stopped(
        self, plugin: TaskmasterPlugin, options: Any
    ) -> None:
        """Soon, from whatever it waits for."""
        loop = TaskmasterLoop(
            plugin.make(options),
            RecordingBus(),
            log=logging.getLogger("task.taskmaster.test"),
        )
        runner = threading.Thread(target=loop.run, daemon=True)
        runner.start()
        loop.stop()
        runner.join(self.patience)
        assert not runner.is_alive()

    def test_it_tells_facts_about_itself(
        self, plugin: TaskmasterPlugin, options: Any
    ) -> None:
        """Before it runs, too: names and values for people."""
        facts = plugin.make(options).info()
        assert all(isinstance(name, str) for name in facts)

    def test_it_prints_nothing(
        self, plugin: TaskmasterPlugin, options: Any, situation: Situation
    ) -> None:
        """Data goes to the bus, words to `ctx.log`."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            _play(plugin, options, situation)
        assert printed.getvalue() == ""

    def _title(self, request: pytest.FixtureRequest) -> Title:
        plugin: TaskmasterPlugin = request.getfixturevalue("plugin")
        return Title(
            kind=self.kind,
            name="-".join(filter(None, (plugin.name, self.label))),
            broker="no bus",
            suite=SUITE,
            total=len(self._rules),
        )

    def _offers(self, request: pytest.FixtureRequest, capability: str) -> bool:
        return True


def _play(
    plugin: TaskmasterPlugin,
    options: Any,
    situation: Situation,
    bus: RecordingBus | None = None,
) -> list[Task]:
    """Run a fresh taskmaster in the situation, and return what it sent."""
    sent = run_taskmaster(
        plugin,
        options=options,
        clock=FakeClock(situation.start.timestamp()),
        until=situation.until,
        bus=bus or RecordingBus(situation.bodies),
    )
    return [task for task, _ in sent]
