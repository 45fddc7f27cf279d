"""`task demo`: ten seconds that show what it does, in a folder that is thrown away."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from task_core.api.bus import Bus, BusContext, Consumer
from task_core.api.message import Delivery, Message
from task_core.cli.render import style, table
from task_core.discovery.catalog import Catalog
from task_core.discovery.loader import load
from task_core.errors import UnknownPluginError
from task_core.task import Task
from task_core.wire import dead_topic, decode_dead, decode_task, encode_task

TOPIC = "demo"
WORKERS = 2
PATIENCE = 5.0
"""Seconds at the end for what is still in work."""
TICK = 0.1
"""Seconds between two looks."""
RULES = '[[rule]]\ncron = "* * * * * *"\ntype = "demo"\ntemplate = "{yyyy}/{TS}.csv"\n'
WORKER_FLAGS = (
    *("--worker", "task_core.cli.demo_worker:demo", "--log-level", "error"),
    *("--retries", "2", "--retry-delay", "400ms"),
    *("--lease", "1s", "--max-attempts", "3", "--kill-time", "1s"),
)
HELP = """See it work: ten seconds, nothing to set up, nothing left behind.

A taskmaster makes a task each second, two worker processes do them over one SQLite
file. One task fails, is tried three times and reported. Another kills its worker twice,
and goes to the dead topic; the worker is replaced, and its other tasks are not lost.
"""
NEXT = """Next:
  task send hello World | task launch --worker echo
  task launch --worker exec:./program --bus sqlite     any program, tasks that survive
  task plugins list"""


class Crew:
    """The processes of the demonstration; a worker that dies is replaced.

    Args:
        folder: Where the SQLite file and the rules are.
    """

    def __init__(self, folder: Path) -> None:
        self.deaths = 0
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self._others: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._workers = [self._start(*WORKER_FLAGS) for _ in range(WORKERS)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        processes = [*self._workers, *self._others]
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()

    def start_taskmaster(self) -> None:
        """Start the cron taskmaster with one rule."""
        (self._folder / "rules.toml").write_text(RULES)
        flags = ("--taskmaster", "cron", "--taskmaster-rules", "rules.toml")
        self._others.append(self._start(*flags, "--log-level", "error"))

    def stop_taskmaster(self) -> None:
        """Let no more tasks be made."""
        for process in self._others:
            process.send_signal(signal.SIGTERM)
            process.wait()

    def replace_the_dead(self) -> None:
        """Start a new worker for each that has ended."""
        for number, process in enumerate(self._workers):
            if process.poll() is not None:
                self.deaths += 1
                self._workers[number] = self._start(*WORKER_FLAGS)

    def _start(self, *flags: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "task_core", "launch", "--bus", "sqlite"]
        return subprocess.Popen(
            [*command, *flags],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt is for us; we stop them
        )


class Screen:
    """What a person sees: a live table on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self.counts = {"sent": 0, "complete": 0, "error": 0, "dead": 0}
        self._live = sys.stdout.isatty()
        self._height = 0
        self._events: list[str] = []

    def tell(self, event: str) -> None:
        """Report an event."""
        line = f"{time.strftime('%H:%M:%S')}  {event}"
        if self._live:
            self._events = [*self._events[-9:], line]
        else:
            click.echo(line)

    def draw(self, waiting: int, deaths: int) -> None:
        """Draw the table again, on a terminal."""
        if not self._live:
            return
        names = (*self.counts, "waiting", "workers killed")
        values = (*self.counts.values(), waiting, deaths)
        text = [table(names, [[str(value) for value in values]]), "", *self._events]
        if self._height:
            click.echo(f"\033[{self._height}A\033[J", nl=False)
        click.echo("\n".join(text))
        self._height = sum(part.count("\n") + 1 for part in text)


class Demo:
    """One demonstration.

    Args:
        bus: The SQLite file, as the processes see it.
        crew: The processes.
    """

    def __init__(self, bus: Bus, crew: Crew) -> None:
        self._bus = bus
        self._crew = crew
        self._screen = Screen()
        self._producer = bus.producer()
        bus.subscribe(TOPIC, TOPIC).close()  # a channel gets what is sent from now on
        self._done = bus.subscribe("done", "watch")
        self._dead = bus.subscribe(dead_topic(TOPIC), "watch")
        self._tasks = bus.subscribe(TOPIC, "watch")

    def run(self, seconds: float, *, has_cron: bool) -> None:
        """Watch for a while; make the tasks as well when nobody else does."""
        begin = time.monotonic()
        script = [(1.0, "fail"), (2.0, "kill")]
        if not has_cron:
            script += [(float(n), f"2026/{n:02}.csv") for n in range(int(seconds))]
        script.sort()
        while (now := time.monotonic() - begin) < seconds:
            while script and script[0][0] <= now:
                self._send(script.pop(0)[1])
            self._watch()
        self._crew.stop_taskmaster()
        while self._open() and time.monotonic() - begin < seconds + PATIENCE:
            self._watch()

    def _watch(self) -> None:
        self._look()
        self._crew.replace_the_dead()
        self._screen.draw(self._bus.depth(TOPIC, TOPIC), self._crew.deaths)
        time.sleep(TICK)

    def _open(self) -> int:
        """How many tasks are neither done nor dead."""
        counts = self._screen.counts
        return 2 * counts["sent"] - sum(counts.values())

    def summary(self) -> str:
        """Say what happened."""
        counts = self._screen.counts
        return (
            f"{counts['sent']} tasks: {counts['complete']} complete,"
            f" {counts['error']} error, {counts['dead']} dead;"
            f" {self._crew.deaths} workers were killed and replaced,"
            f" {self._open() or 'no'} tasks were lost"
        )

    def _send(self, info: str) -> None:
        self._producer.send([Message(TOPIC, encode_task(Task.new("demo", info)))])

    def _look(self) -> None:
        for delivery in self._take(self._tasks):
            task = decode_task(delivery.body)
            if "retry=" not in task.meta:
                self._screen.counts["sent"] += 1
            self._screen.tell(f"sent      {task.info}  {task.meta}".rstrip())
        for delivery in self._take(self._done):
            task = decode_task(delivery.body)
            self._screen.counts[task.result] += 1
            colour = "green" if task.result == "complete" else "red"
            self._screen.tell(f"{style(f'{task.result:8}', fg=colour)}  {task.msg}")
        for delivery in self._take(self._dead):
            self._screen.counts["dead"] += 1
            reason = decode_dead(delivery.body).reason
            self._screen.tell(f"{style('dead    ', fg='magenta')}  {reason}")

    def _take(self, consumer: Consumer) -> Sequence[Delivery]:
        deliveries = consumer.receive(100, 0)
        if deliveries:
            consumer.ack(deliveries)
        return deliveries


@click.command(help=HELP)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    help="How long to watch.",
)
def command(seconds: float) -> None:
    """Run it in a temporary folder."""
    catalog = Catalog.scan()
    sqlite = load(catalog.find("bus", "sqlite"))
    with tempfile.TemporaryDirectory(prefix="task-demo-") as name:
        folder = Path(name)
        options = sqlite.options(path=str(folder / "task.db"))
        bus: Bus = sqlite.open(options, BusContext())
        try:
            with Crew(folder) as crew:
                demo = Demo(bus, crew)
                has_cron = _has_cron(catalog)
                if has_cron:
                    crew.start_taskmaster()
                demo.run(seconds, has_cron=has_cron)
        finally:
            bus.close()
        click.echo(f"\n{style(demo.summary(), bold=True)}\n\n{NEXT}")


def _has_cron(catalog: Catalog) -> bool:
    try:
        catalog.find("taskmaster", "cron")
    except UnknownPluginError:
        return False
    return True
