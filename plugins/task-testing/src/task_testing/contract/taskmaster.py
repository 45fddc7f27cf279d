"""The contract of taskmasters: what the launcher and the users of one rely on."""

import functools
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from inspect import signature
from queue import Empty, SimpleQueue
from typing import Any, ClassVar

import attrs
import pytest

from task_core import TaskmasterLoop
from task_core.api import (
    Task,
    TaskmasterPlugin,
)
from task_testing.contract.backdoor import not_offered
from task_testing.contract.plugin import PluginContract
from task_testing.doubles import FakeClock, RecordingBus
from task_testing.taskmaster import run_taskmaster
from task_testing.watch import DEAF, Watch

DAY = 86_400
"""A situation that begins so many seconds from now cannot be taken for the present."""
MOMENT = 0.3
"""Seconds in which who waits for something of its own has begun to."""
SYSTEM_CLOCK = (
    "a task tells the system's time as that when it was created:"
    " make it with Task.new(..., clock=ctx.clock)"
)


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


class TaskmasterContract(PluginContract, defines=True):
    """Every rule that a taskmaster keeps. Give fixtures, run pytest.

    Args:
        patience: Seconds in which it returns after a stop; it may take twice as long
            for what it does in the situation.

    Example:
        >>> class TestGreeter(TaskmasterContract):
        ...     @pytest.fixture
        ...     def plugin(self): return greeter
        ...     @pytest.fixture
        ...     def situation(self): return Situation(sends=[("hello", "World")])
    """

    kind = "taskmaster"
    patience: ClassVar[float] = 5.0

    @pytest.fixture
    def situation(self) -> Situation:
        """Give a situation in which it sends something."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'situation'")

    @pytest.fixture
    def forget(self) -> Callable[[], object]:
        """Give what removes all that a run leaves for the next; by default nothing."""
        return lambda: None

    @pytest.fixture
    def run(
        self, plugin: TaskmasterPlugin, options: Any, situation: Situation
    ) -> Callable[[], list[Task]]:
        """Put it into the situation."""
        return lambda: _run(plugin, options, situation, self.patience)

    def test_it_sends_what_it_should(
        self, run: Callable[[], list[Task]], situation: Situation
    ) -> None:
        """In this situation, and nothing else."""
        assert situation.sends
        assert [(task.type, task.info) for task in run()] == situation.sends

    def test_it_sends_the_same_in_the_same_situation(
        self,
        run: Callable[[], list[Task]],
        forget: Callable[[], object],
        situation: Situation,
    ) -> None:
        """It asks `ctx.clock` for the time, and keeps nothing that is not known."""
        began = datetime.now(UTC)
        first = run()
        forget()
        second = run()
        if abs(situation.start.timestamp() - began.timestamp()) > DAY:
            assert not _made_since(began, second), SYSTEM_CLOCK
        for name in ("type", "job", "info", "created"):
            told = [getattr(task, name) for task in second]
            assert [getattr(task, name) for task in first] == told

    def test_what_it_reads_is_settled_with_what_it_sends(
        self, plugin: TaskmasterPlugin, options: Any, situation: Situation
    ) -> None:
        """Each delivery once, and what came of it before."""
        if not situation.bodies:
            not_offered("reading tasks")
        bus = RecordingBus(situation.bodies)
        _run(plugin, options, situation, self.patience, bus)
        acked = [body for call, held in bus.calls if call == "ack" for body in held]
        assert acked == situation.bodies

    def test_it_returns_when_it_is_stopped(
        self, plugin: TaskmasterPlugin, options: Any
    ) -> None:
        """Soon, from whatever it waits for."""
        watch = Watch(plugin.make(options).loops(), self.patience)
        loop = TaskmasterLoop(
            watch,
            RecordingBus,
            log=logging.getLogger("task.taskmaster.test"),
        )
        runner = _Aside(loop.run)
        watch.let_wait(MOMENT)
        watch.tell()
        loop.stop()
        runner.result(self.patience)

    def test_each_of_its_loops_takes_a_context(
        self, plugin: TaskmasterPlugin, options: Any
    ) -> None:
        """And nothing else; there is one at least."""
        loops = plugin.make(options).loops()
        assert loops
        for loop in loops:
            signature(loop).bind("context")

    def test_it_tells_facts_about_itself(
        self, plugin: TaskmasterPlugin, options: Any
    ) -> None:
        """Before it runs, too: names and values for people."""
        facts = plugin.make(options).info()
        assert all(isinstance(name, str) for name in facts)


class _Aside:
    """What runs in a thread of its own, which is left behind if it does not end.

    Args:
        act: What runs.
    """

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self._ended: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._ended.put((self._act(), None))
        except BaseException as error:  # noqa: BLE001  raised again by `result`
            self._ended.put((None, error))

    def result(self, seconds: float) -> Any:
        """Return what it returns, or raise what it raises; fail if it does neither."""
        try:
            found, error = self._ended.get(timeout=seconds)
        except Empty:
            pytest.fail(DEAF, pytrace=False)
        if error is not None:
            raise error
        return found


def _made_since(began: datetime, tasks: list[Task]) -> list[Task]:
    """Return those that were created between then and now, by the system's clock."""
    first, last = began.replace(microsecond=0), datetime.now(UTC)
    return [it for it in tasks if first <= (it.moment("created") or last) < last]


def _run(
    plugin: TaskmasterPlugin,
    options: Any,
    situation: Situation,
    patience: float,
    bus: RecordingBus | None = None,
) -> list[Task]:
    """Run a fresh taskmaster in the situation, and return what it sent."""
    run = functools.partial(
        run_taskmaster,
        plugin,
        options=options,
        clock=FakeClock(situation.start.timestamp()),
        until=situation.until,
        bus=bus or RecordingBus(situation.bodies),
        patience=2 * patience,
    )
    # It is stopped after twice its patience, and has as long again; then it is left.
    sent = _Aside(run).result(5 * patience)
    return [task for task, _ in sent]
