"""The processes of the demonstration."""

import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

WORKERS = 2
RULES = '[[rule]]\ncron = "* * * * * *"\ntype = "demo"\ntemplate = "{yyyy}/{TS}.csv"\n'
WORKER_FLAGS = (
    *("--worker", "task_command_demo.worker:demo", "--log-level", "error"),
    *("--retries", "2", "--retry-delay", "400ms"),
    *("--lease", "1s", "--kill-time", "1s"),
)


class Processes:
    """Workers and a taskmaster; a worker that dies is replaced.

    Args:
        folder: Where the SQLite file and the rules are.
    """

    def __init__(self, folder: Path) -> None:
        self.deaths = 0
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self._others: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
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

    def start_workers(self) -> None:
        """Start those that do the tasks."""
        for _ in range(WORKERS):
            self._workers.append(self._start(*WORKER_FLAGS))

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
