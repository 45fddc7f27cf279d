"""Launchers of one worker, as processes that tests kill."""

import resource
import signal
import subprocess
import time

from cli_lines import COMMAND

WORKER = """
import os
from task_core.api import WorkerContext, worker

LOG = os.open("runs.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@worker
def work(info: str, ctx: WorkerContext):
    os.write(LOG, f"{info}\\n".encode())
    ctx.wait(0.002 + int(info) % 10 / 1000)
"""
"""Writes down each run before it works for some milliseconds."""
BEGUN = "worker work on bus"
"""How the line begins that a launcher tells when it is ready."""
PATIENCE = 120.0
"""Seconds that a start may take on a busy machine."""


class Fleet:
    """Some launchers; each that is killed gets a successor.

    Args:
        folder: Where they run; gets the worker's file and `runs.log`.
        bus: What they read and write, as `--bus` takes it.
        count: How many.
        slots: How many tasks each does at a time.
        lease: Of their deliveries.
        waits: Whether to wait until each has begun: one that finds no broker when it
            starts gives up, as it should.
        mixed: Whether the first has processes for slots, and the others threads.
        environment: Of all; ours when None.
    """

    def __init__(
        self,
        folder,
        bus,
        *,
        count=4,
        slots=2,
        lease="1s",
        waits=False,
        mixed=False,
        environment=None,
    ):
        self._folder, self._waits, self._mixed = folder, waits, mixed
        self._environment = environment
        self._flags = ("--bus", bus, "--concurrency", str(slots), "--lease", lease)
        (folder / "worker.py").write_text(WORKER)
        self._log = (folder / "launchers.log").open("ab")
        self._started = 0
        self._processes = [self._start(number) for number in range(count)]
        self._await_begin()

    @property
    def runs(self):
        """What was worked on, as often as it was."""
        return (self._folder / "runs.log").read_text().split()

    @property
    def told(self):
        """What the launchers told on stderr."""
        return (self._folder / "launchers.log").read_text()

    def kill(self, number):
        """Kill one at once, wherever it is, and start another."""
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start(number)
        self._await_begin()

    def freeze(self, number):
        """Stop one where it is: others take over what it holds."""
        self._processes[number].send_signal(signal.SIGSTOP)

    def thaw(self, number):
        """Let it go on, with what it believes to hold."""
        self._processes[number].send_signal(signal.SIGCONT)

    def limit_files(self, size):
        """Let files of all grow to so many bytes only, as on a disk that is full."""
        for process in self._processes:
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def _await_begin(self):
        deadline = time.monotonic() + PATIENCE
        while self._waits and self.told.count(BEGUN) < self._started:
            assert time.monotonic() < deadline, self.told
            time.sleep(0.02)  # a file tells no events

    def ended(self):
        """Return how many have ended by themselves: they should not."""
        return sum(process.poll() is not None for process in self._processes)

    def stop(self):
        """End all."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._log.close()

    def _start(self, number):
        self._started += 1
        more = ["--prefetch", "0", "--max-attempts", "1000"]
        if self._mixed and number == 0:
            more += ["--pool", "process"]
        command = (COMMAND, "launch", "--worker", "worker.py:work")
        return subprocess.Popen(
            [*command, *self._flags, *more],
            cwd=self._folder,
            env=self._environment,
            stderr=self._log,
        )
