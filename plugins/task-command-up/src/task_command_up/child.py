"""One process that is kept running."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from math import inf

from task_command_up.options import Restart
from task_command_up.screen import Lines, Screen
from task_core.api import Launch

FIRST_PAUSE, LAST_PAUSE = 0.5, 30.0
"""Seconds before it is started again: they double with each failure in a row."""
GOOD_LIFE = 30.0
"""Seconds after which a failure is no longer in a row with the one before."""
MARGIN = 10.0
"""Seconds beyond its kill time in which it must have stopped."""
FAILED_TASKS = 1
"""Exit code of a `task launch --fail` that ended by itself."""
NEVER_WORKS = (2, 3)
"""Exit codes that say that its options or plugins are wrong."""


class Child:
    """Starts a process, passes on what it says, and starts it again.

    Args:
        launch: What it runs.
        name: What it is called.
        screen: Where its lines go.
    """

    def __init__(self, launch: Launch, name: str, screen: Screen) -> None:
        self.name = name
        self.code: int | None = None
        self.due = 0.0
        self.ended = False
        self._launch = launch
        self._screen = screen
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = Lines()
        self._failures = 0
        self._started = 0.0
        self._limit = inf

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def output(self) -> int:
        """The descriptor of what it says."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    @property
    def moment(self) -> float:
        """When something is to be done about it: a start, or an end that is late."""
        if self.ended:
            return inf
        return self._limit if self.runs else self.due

    def start(self, leash: int) -> None:
        """Start it, at the end of a leash."""
        seconds = f"{self._launch.kill_time + MARGIN:g}"
        begin = (sys.executable, "-m", "task_command_up.leash", str(leash), seconds)
        self._process = subprocess.Popen(
            [*begin, *self._launch.words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[leash],
            process_group=0,  # an interrupt of the terminal is for us; we stop them
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self._launch.environment},
        )
        os.set_blocking(self.output, False)
        self._started = time.monotonic()
        self._limit = inf
        self._lines = Lines()

    def read(self) -> bool:
        """Pass on what it has said; say whether there may be more."""
        try:
            while piece := os.read(self.output, 65536):
                self._screen.write(self.name, self._lines.add(piece))
        except BlockingIOError:
            return True
        return False

    def stop(self) -> None:
        """Ask it to stop; when there is none, no other one will be started."""
        self.ended = not self.runs
        if self._process is not None:
            self._limit = time.monotonic() + self._launch.kill_time + MARGIN
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and what it has started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def has_ended(self) -> bool:
        """Whether its process has just ended; what that left behind ends with it."""
        if self._process is None:
            return False
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if os.waitid(os.P_PID, self._process.pid, how) is None:
            return False
        self.kill()  # the others of its group, while its number is still ours
        return True

    def reap(self, *, stopping: bool) -> None:
        """Take note of its end, and of when it starts again."""
        assert self._process is not None
        self.read()
        if rest := self._lines.end():
            self._screen.write(self.name, [rest])
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.code = self._process.wait()
        self._process = None
        self.ended = stopping or not self._comes_again(self.code)
        told = _told(self.code)
        if self.ended:
            self._screen.tell(self.name, told)
            return
        pause = self._pause()
        self.due = time.monotonic() + pause
        self._screen.tell(self.name, f"{told}; starts again in {pause:.1f}s")

    def _comes_again(self, code: int) -> bool:
        restart = self._launch.own.restart
        if restart is Restart.NEVER or code in NEVER_WORKS:
            return False
        by_itself = code in (0, FAILED_TASKS)
        return restart is Restart.ALWAYS or not by_itself

    def _pause(self) -> float:
        """Return the seconds until it starts again, partly random."""
        if time.monotonic() - self._started > GOOD_LIFE:
            self._failures = 0
        pause: float = min(FIRST_PAUSE * 2.0 ** min(self._failures, 10), LAST_PAUSE)
        self._failures += 1
        return random.uniform(pause / 2, pause)


def _told(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
