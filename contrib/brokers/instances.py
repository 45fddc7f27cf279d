"""Instances of a taskmaster as processes, which tests kill: what is owed must come.

A scenario says what causes tasks and which of them are owed; the rest is the same for
every taskmaster: two instances on one store and one bus, a seed that says who is killed
when, and what may come twice.
"""

import collections
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from task_core.api import BusConnectionError, Consumer, LeaseLostError, decode_task

COMMAND = str(Path(sys.executable).parent / "task")
KILLS = 4
PATIENCE = 400.0
"""Seconds that a busy machine may take for all of it."""


class Scenario(Protocol):
    """What is special about a taskmaster.

    Args:
        taskmaster: Its name.
        topic: Where what is owed comes.
        at_once: How many tasks may be in flight when an instance is killed.
        lease: Seconds in which the owner of a claim sends it.
    """

    taskmaster: str
    topic: str
    at_once: int
    lease: float

    def flags(self, number: int) -> Sequence[str]:
        """Return the flags of an instance."""

    def feed(self) -> None:
        """Cause something; called again and again between the kills."""

    def owed(self) -> set[str]:
        """Return the infos of all that must come, from now on no more.

        Called again until it has all come; may repeat what was not taken.
        """


class Processes:
    """Processes that tests kill, and that are started anew, each time with a new log.

    Args:
        folder: Where they run.
        commands: What each of them runs.
    """

    def __init__(self, folder: Path, commands: Sequence[Sequence[str]]) -> None:
        self._folder, self._commands = folder, commands
        self._logs: dict[int, list[Path]] = collections.defaultdict(list)
        self._processes = [self._start(it) for it in range(len(commands))]
        self._killed = time.time()

    def kill(self, number: int) -> None:
        """Kill one at once, wherever it is, and start another."""
        self._processes[number].kill()
        self._processes[number].wait()
        self._killed = time.time()
        self._processes[number] = self._start(number)

    def stop(self) -> None:
        """End all."""
        for process in self._processes:
            process.kill()
            process.wait()

    def check(self, deadline: float, seen: object = None) -> None:
        """Hold that one is there, and that it is not too late.

        Args:
            deadline: The latest moment, in seconds of the monotonic clock.
            seen: What to tell with what they have logged, if it is.
        """
        assert any(it.poll() is None for it in self._processes), (seen, self.told)
        assert time.monotonic() < deadline, (seen, self.told)

    @property
    def there(self) -> float:
        """When one was there again after the last kill, in seconds since 1970.

        Until then nobody could take over: where much else runs, a start takes long.
        """
        began = [at for logs in self._logs.values() if (at := _began(logs[-1]))]
        return max(self._killed, min(began, default=0.0))

    @property
    def told(self) -> str:
        """What they have logged."""
        logs = [log for logs in self._logs.values() for log in logs]
        return "\n".join(f"{log.name}:\n{log.read_text()}" for log in logs)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        logs = self._logs[number]
        logs.append(self._folder / f"instance-{number}-{len(logs)}.log")
        with logs[-1].open("wb") as log:
            return subprocess.Popen(
                self._commands[number], cwd=self._folder, stderr=log
            )


class Instances(Processes):
    """Instances of a scenario's taskmaster, on one store and one bus.

    Args:
        folder: Where they run.
        scenario: Which taskmaster.
        bus: What they send to, as `--bus` takes it.
        count: How many.
    """

    def __init__(
        self, folder: Path, scenario: Scenario, bus: str, count: int = 2
    ) -> None:
        words = [COMMAND, "launch", "--taskmaster", scenario.taskmaster, "--bus", bus]
        super().__init__(folder, [[*words, *scenario.flags(it)] for it in range(count)])


def _began(log: Path) -> float:
    """Return when a taskmaster said that it runs, or 0."""
    for line in log.read_text().splitlines():
        moment, _, said = line.partition(" task: ")
        if said.startswith("taskmaster "):
            return datetime.fromisoformat(moment).timestamp()
    return 0.0


class Seen:
    """What came of the bus: the bodies of each task, by its info.

    Args:
        consumer: Of its topic.
        on_task: Called with the info of each task that comes.
    """

    def __init__(
        self, consumer: Consumer, on_task: Callable[[str], object] = str
    ) -> None:
        self._consumer = consumer
        self._on_task = on_task
        self._places: set[object] = set()
        self.bodies: dict[str, list[bytes]] = collections.defaultdict(list)

    def read(self, seconds: float) -> None:
        """Take what comes, and wait so long for it."""
        try:
            deliveries = self._consumer.receive(1000, seconds)
        except BusConnectionError:
            time.sleep(0.05)  # it says so at once while the broker is away
            return
        for delivery in deliveries:
            place = delivery.position and str(delivery.position)
            if place is not None and place in self._places:
                continue  # it comes again since its ack was lost, and was sent once
            self._places.add(place)
            info = decode_task(delivery.body).info
            self.bodies[info].append(delivery.body)
            self._on_task(info)
        with contextlib.suppress(BusConnectionError, LeaseLostError):
            self._consumer.ack(deliveries)


def kill_at_random(
    scenario: Scenario,
    instances: Instances,
    seen: Seen,
    seed: int,
    trouble: Callable[[], object] = lambda: None,
    kills: int = KILLS,
) -> None:
    """Kill them now and then; return when all that is owed has come.

    Args:
        scenario, instances, seen: Who sends what, and what came of it.
        seed: Of chance.
        trouble: Another one, which comes between two of the kills.
        kills: How many.
    """
    choose, deadline = random.Random(seed), time.monotonic() + PATIENCE
    while not seen.bodies:
        instances.check(deadline)
        scenario.feed()
        seen.read(0.5)
    for number in range(kills):
        if number == kills // 2:
            trouble()
        until = time.monotonic() + choose.uniform(0.2, 2.5)
        while (left := until - time.monotonic()) > 0:
            scenario.feed()
            seen.read(min(0.25, left))
        instances.kill(choose.randrange(2))
    while missing := scenario.owed() - seen.bodies.keys():
        instances.check(deadline, sorted(missing)[:20])
        seen.read(0.5)


def check(
    scenario: Scenario,
    seen: Seen,
    record_property: Callable[[str, object], None],
    kills: int = KILLS,
) -> None:
    """Twice is only what was in flight when its sender was killed: the same bytes."""
    twice = {info: bodies for info, bodies in seen.bodies.items() if len(bodies) > 1}
    for info, bodies in twice.items():
        assert len(set(bodies)) == 1, (info, bodies)
    extra = sum(len(bodies) - 1 for bodies in twice.values())
    assert extra <= (kills + 1) * scenario.at_once  # one for the trouble
    told = f"{scenario.taskmaster}: {len(seen.bodies)} tasks, {extra} of them twice"
    record_property("told", told)
