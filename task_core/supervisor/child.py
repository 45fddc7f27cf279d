"""One process that is kept running."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from math import inf
from pathlib import Path

import task_core
from task_core.api.command import Launch, Restart
from task_core.supervisor.leash import ENDED, READY
from task_core.supervisor.screen import Lines, Report

FIRST_PAUSE, LAST_PAUSE = 0.5, 30.0
"""Seconds before it is started again: they double with each failure in a row."""
GOOD_LIFE = 30.0
"""Seconds after which the end of one is no longer in a row with failures before."""
MARGIN = 10.0
"""Seconds beyond its kill time in which it must have stopped."""
HURRY = 15.0
"""Seconds in which it must have ended after a second signal."""
PIECE = 65536
"""Bytes that are read at a time: all that a pipe holds."""
NEVER_WORKS = (2, 3)
"""Exit codes that say that its options or plugins are wrong."""
_PROGRAM = (
    "import sys; sys.path.append({!r});"
    " from task_core.supervisor.leash import main; main()"
)


class Child:
    """Starts a process, passes on what it says, and starts it again.

    Args:
        launch: What it runs.
        name: What it is called.
        restart: When it is started again.
        screen: Where its lines go.
        folder: Where it has the socket of its status page, if it is to have one.
    """

    def __init__(
        self,
        launch: Launch,
        name: str,
        restart: Restart,
        screen: Report,
        folder: str = "",
    ) -> None:
        self.name = name
        self.code: int | None = None
        self.due = inf
        """When it is to be started."""
        self.ready = False
        """Whether it receives."""
        self.ended = False
        """Whether it is not started again."""
        self.hopeless = False
        """Whether it has ended for good since it can never work."""
        self.renews = False
        """Whether it was told to stop only to be started again."""
        self.started = 0.0
        self.status = ""
        """The path of that socket."""
        self._folder = folder
        self._launch = launch
        self._restart = restart
        self._screen = screen
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._lines = Lines()
        self._has_worked = False
        """Whether it ever received, with the options and plugins that it has."""
        self._failures = 0
        self._limit = inf
        self._by_itself = False

    def successor(self) -> "Child":
        """Return another one like it, which was never started."""
        return Child(self._launch, self.name, self._restart, self._screen, self._folder)

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The number of its process; 0: there is none."""
        return 0 if self._process is None else self._process.pid

    @property
    def output(self) -> int:
        """The descriptor of what it says."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    @property
    def channel(self) -> socket.socket:
        """What tells that it is ready."""
        assert self._channel is not None
        return self._channel

    @property
    def moment(self) -> float:
        """When something is to be done about it: a start, or an end that is late."""
        if self.ended:
            return inf
        return self._limit if self.runs else self.due

    def start(self) -> bool:
        """Start it, at the end of a leash; later, if the system cannot do so now.

        Returns:
            Whether it runs.
        """
        try:
            self._process, self._channel = self._begin()
        except OSError as error:
            pause = self._pause()
            self.due = time.monotonic() + pause
            text = f"cannot start: {error.strerror}; tries again in {pause:.1f}s"
            self._screen.tell(self.name, text)
            return False
        os.set_blocking(self.output, False)
        self.started, self.due = time.monotonic(), inf
        self.ready = self.renews = self._by_itself = False
        self._limit = inf
        self._lines = Lines()
        return True

    def _begin(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Start a process; return it, and our end of its leash."""
        seconds = f"{self._launch.kill_time + MARGIN:g}"
        folder = str(Path(task_core.__file__).parent.parent)
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as undo:
            undo.enter_context(ours)
            ours.setblocking(False)
            python = (sys.executable, "-P", "-c", _PROGRAM.format(folder))
            begin = (str(theirs.fileno()), seconds, str(os.getpid()))
            process = subprocess.Popen(
                [*python, *begin, *self._launch.words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                process_group=0,  # an interrupt of the terminal is for us
                env=self._environment(),
            )
            undo.pop_all()  # it stays
        return process, ours

    def _environment(self) -> dict[str, str]:
        found = {**os.environ, "PYTHONUNBUFFERED": "1", **self._launch.environment}
        if self._folder:  # a successor is there beside the one that it follows
            # Without its name: systems take no long paths for sockets.
            self.status = f"{self._folder}/{time.monotonic_ns():x}"
            found["TASK_LAUNCH_STATUS"] = f"unix:{self.status}"
        return found

    def read(self) -> bool:
        """Pass on what it has said; say whether there may be more.

        All that there is now, and no more: one that prints faster than we write would
        leave no turn to the others, and to signals.
        """
        try:
            piece = os.read(self.output, PIECE)
        except BlockingIOError:
            return True
        if piece:
            self._screen.write(self.name, self._lines.add(piece))
        return bool(piece)

    def hear(self) -> bool:
        """Note what it has told through its leash; say whether there may be more."""
        try:
            while words := self.channel.recv(64):
                self.ready |= READY in words
                self._by_itself |= ENDED in words
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def stop(self) -> None:
        """Ask it to stop, for good; when it does not run, it never will."""
        self.ended, self.renews = not self.runs, False
        self._signal(self._launch.kill_time + MARGIN)

    def renew(self) -> None:
        """Start what has changed anew, after a clean stop if it runs."""
        self.ended = self.hopeless = self._has_worked = False
        self.hasten()
        if self.runs:
            self.renews = True
            self._signal(self._launch.kill_time + MARGIN)

    def hasten(self) -> None:
        """Start it at once if it does not run, whatever its failures before."""
        self._failures, self.due = 0, time.monotonic()

    def hurry(self) -> None:
        """Ask it a second time: it gives back what it has."""
        # Two of one kind are one; this one it always hears (see `leash`).
        self._signal(HURRY, signal.SIGINT)

    def limit(self, seconds: float) -> None:
        """End it when so much time has passed."""
        self._limit = time.monotonic() + seconds

    def _signal(self, patience: float, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._limit = min(self._limit, time.monotonic() + patience)
            # Not by Popen, which would take note of its end, and only `reap` may.
            os.kill(self._process.pid, number)

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
        self.hear()
        if rest := self._lines.end():
            self._screen.write(self.name, [rest])
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.channel.close()
        self.code = self._process.wait()
        self._process = None
        # One that has worked can do so again: a database may be away for a while.
        self._has_worked |= self.ready
        self.hopeless = self.code in NEVER_WORKS and not self._has_worked
        told = describe(self.code)
        if self.renews and not stopping:
            self.hopeless = self._has_worked = False
            self.due = time.monotonic()
            return
        self.ended = stopping or not self._comes_again(self.code)
        if self.ended:
            self._screen.tell(self.name, told)
            return
        if time.monotonic() - self.started > GOOD_LIFE:
            self._failures = 0
        pause = self._pause()
        self.due = time.monotonic() + pause
        self._screen.tell(self.name, f"{told}; starts again in {pause:.1f}s")

    def _comes_again(self, code: int) -> bool:
        if self._restart is Restart.NEVER or self.hopeless:
            return False
        well = code == 0 or (code == 1 and self._launch.fail)
        return self._restart is Restart.ALWAYS or not (well and self._by_itself)

    def _pause(self) -> float:
        """Return the seconds until it starts again, partly random."""
        pause: float = min(FIRST_PAUSE * 2.0 ** min(self._failures, 10), LAST_PAUSE)
        self._failures += 1
        return random.uniform(pause / 2, pause)


def describe(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
