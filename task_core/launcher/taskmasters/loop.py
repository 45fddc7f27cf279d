"""Runs a taskmaster: each of its loops lives in a thread that owns a bus."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from task_core.api.bus import Bus
from task_core.api.loops import loops_of
from task_core.api.taskmaster import Taskmaster
from task_core.api.worker import describe
from task_core.clock import Clock, SystemClock
from task_core.errors import UsageError
from task_core.launcher.plan import Hooks, NoHooks, Plan
from task_core.launcher.stop import End
from task_core.launcher.taskmasters.context import LoopContext
from task_core.shown import shown
from task_core.values import format_duration


class TaskmasterLoop:
    """Gives each loop of a taskmaster its context, and stops them.

    Args:
        taskmaster: What to run.
        bus: What carries the tasks, or what opens it, once for each loop: one that is
            open will do for one loop. They are closed in the end.
        lease: Seconds of lease of a delivery, renewed at a third of it.
        max_attempts: Receipts without settlement after which a delivery is dead, where
            the bus counts: its body raises, or kills the process, each time.
        kill_time: Seconds in which the other loops have to end when one has failed.
        hooks: Who listens; nobody when None.
        clock, log: The machine's, and one for taskmasters, when None.

    Raises:
        PluginContractError: It has no loops, or one that cannot be called.
        UsageError: It has several, and they are given one bus.
        BusError: One cannot be opened.
    """

    def __init__(
        self,
        taskmaster: Taskmaster,
        bus: Bus | Callable[[], Bus],
        *,
        lease: float = 30.0,
        max_attempts: int = 5,
        kill_time: float = 10.0,
        hooks: Hooks | None = None,
        clock: Clock | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        self._taskmaster = taskmaster
        self._loops = loops_of(taskmaster)
        self._kill_time = kill_time
        self._hooks = hooks = hooks or NoHooks()
        self._clock = clock = clock or SystemClock()
        self._log = log or logging.getLogger("task.taskmaster")
        self._plan = Plan(lease=lease, max_attempts=max_attempts)
        self._stopped = False
        self.buses = _opened(bus, len(self._loops))
        """The bus of each loop."""
        self.began = threading.Event()
        """Set when its loops are about to run."""
        self._contexts = [
            LoopContext(one, self._plan, hooks, clock, self._log) for one in self.buses
        ]
        self._began = clock.monotonic()

    @property
    def sent(self) -> int:
        """How many tasks it has sent."""
        return sum(context.line.sent.total() for context in self._contexts)

    def snapshot(self) -> dict[str, Any]:
        """Return the counts so far, in the shape of the Go system's status page."""
        lines = [context.line for context in self._contexts]
        runtime = timedelta(seconds=round(self._clock.monotonic() - self._began, 3))
        source, target = getattr(self.buses[0], "names", (self.buses[0].name,) * 2)
        # Copied in one step: the threads of the loops may add a topic at any moment.
        sent = sum((Counter(dict(line.sent)) for line in lines), Counter[str]())
        topics = frozenset[str]().union(*(line.topics for line in lines))
        return {
            "runtime": format_duration(runtime),
            "producer": {"bus": target, "sent": dict(sorted(sent.items()))},
            "consumer": {
                "bus": source,
                "topics": sorted(topics),
                "received": sum(line.received for line in lines),
                "settled": sum(line.settled for line in lines),
                "dead": sum(line.dead for line in lines),
            },
        }

    @property
    def unready(self) -> str:
        """Why it makes no tasks now; empty when it does."""
        if self._stopped:
            return "stopping"
        return f"the bus is away: {self.away}" if self.away else ""

    @property
    def away(self) -> str:
        """Why the bus of a loop is away; empty while all are there."""
        reasons = [context.line.outages.away for context in self._contexts]
        return shown(next(filter(None, reasons), ""))

    def facts(self) -> dict[str, Any]:
        """Return what a status page tells of it (any thread)."""
        told = {"state": self.unready or "working", "away": self.away}
        return {**self.snapshot(), **told, "info": self.info()}

    def info(self) -> Mapping[str, Any]:
        """Return what the taskmaster tells of itself."""
        try:
            return self._taskmaster.info()
        except Exception as error:  # noqa: BLE001  it is its author's
            return {"error": f"its info() raised {describe(error)}"}

    def run(self) -> None:
        """Run the taskmaster until all its loops have returned."""
        try:
            for bus in self.buses:
                self._tell("bus_opened", bus=bus)
            name = type(self._taskmaster).__name__
            text = f"taskmaster {name} on bus {self.buses[0].name}"
            self._tell("launcher_started", guarantee=text, facts=self.facts)
            self.began.set()
            self._run()
            end = End.STOPPED if self._stopped else End.RETURNED
            self._tell("launcher_stopping", reason=end.value)
        finally:
            self._tell("launcher_stopped", stats=self.snapshot())

    def stop(self) -> None:
        """Ask the taskmaster to return soon (any thread)."""
        self._stopped = True
        for context in self._contexts:
            context.stop()

    def _run(self) -> None:
        if len(self._loops) == 1:
            self._run_loop(0)
            return
        from task_core.launcher.taskmasters.threads import LoopThreads  # noqa: PLC0415  few

        names = [getattr(loop, "__name__", "loop") for loop in self._loops]
        LoopThreads(names, self._run_loop, self.stop, self._kill_time, self._log).run()

    def _run_loop(self, number: int) -> None:
        context = self._contexts[number]
        try:
            self._loops[number](context)
        except Exception as error:
            context.line.blame(error)
            raise
        finally:
            self.buses[number].close()

    def _tell(self, hook: str, **facts: object) -> None:
        if observer := self._hooks.observer(hook):
            observer(**facts)


def _opened(bus: Bus | Callable[[], Bus], count: int) -> list[Bus]:
    """Return a bus for each loop; when one cannot be opened, none is open."""
    if isinstance(bus, Bus):
        if count > 1:
            text = f"{count} loops need a bus each: give what opens one"
            raise UsageError(text)
        return [bus]
    opened: list[Bus] = []
    try:
        opened.extend(bus() for _ in range(count))
    except BaseException:
        for one in opened:
            one.close()
        raise
    return opened
