"""A child process that is talked to line by line, and that never hangs its caller."""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from time import monotonic, sleep
from typing import Protocol

from task_worker_exec.leash import Leash
from task_worker_exec.output import LONGEST, Output

TICK = 0.05
"""Seconds between two looks at whether the caller is cancelled."""
HANG_UP = 1.0
"""Seconds that a child has to end by itself when its input is closed."""
GRACE = 5.0
"""Seconds that it has after SIGTERM, before SIGKILL: as far as the launcher waits."""
SHARE = 0.75
"""The part of a launcher's grace that it has; the rest is for telling how it ended."""
LEFT_BEHIND = 1.0
"""Seconds that the processes have which it has started and left behind."""
CHUNK = 64 * 1024

Grace = Callable[[], float]
"""Tells how many seconds there are, as long as nobody is in a hurry."""


class Caller(Protocol):
    """Whoever waits for a child; a worker's context is one."""

    @property
    def cancelled(self) -> bool:
        """Whether the child is to end."""

    @property
    def grace_left(self) -> float:
        """Seconds that it has for that."""


class Reading(Enum):
    """What one read brought."""

    SOME = "some"
    NONE = "none"
    END = "end"


class Child:
    """One process, in a process group of its own.

    So Ctrl-C in a terminal reaches the launcher alone, which then decides; and a
    signal from here reaches the grandchildren too.

    Args:
        argv: The program and its arguments.
        leash: Ends it should we be killed.
        caller: Tells for how long a child may be waited for.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, argv: Sequence[str], leash: Leash, caller: Caller) -> None:
        leash.ready(min(GRACE, caller.grace_left))
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            process_group=0,
        )
        self._leash = leash
        leash.add(self._process.pid)
        # Somebody must notice its end while it is idle, or it stays a zombie.
        threading.Thread(target=self._process.wait, daemon=True).start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin = self._process.stdin
        self._stdout = self._process.stdout
        self._unwritten = memoryview(b"")
        self._hang_up_after = False
        self._kill_at: float | None = None
        self._output = Output()
        self._poll = select.poll()
        for fd in (self._stdin.fileno(), self._stdout.fileno()):
            os.set_blocking(fd, False)
        self._poll.register(self._stdout.fileno(), select.POLLIN)

    def ready(self) -> bool:
        """Whether it lives, and has said nothing since its last answer."""
        alive = self._process.poll() is None and self._read() is not Reading.END
        return alive and self._output.empty

    def ask(self, line: bytes, caller: Caller) -> bytes | None:
        """Send a line, return the next line that comes back.

        Args:
            line: With its newline.
            caller: When it is cancelled, the child is terminated, later killed.

        Returns:
            The answer without its newline, or None when there will be none.
        """
        self._unwritten = memoryview(line)
        while (found := self._output.take()) is None:
            if not self._step(caller):
                self._output.finish()
                return self._output.take()
        return found

    def run(self, line: bytes, caller: Caller) -> bytes:
        """Send a line, close its input, wait for its end, return its last line."""
        self._unwritten = memoryview(line)
        self._hang_up_after = True
        last = b""
        while self._step(caller):
            last = self._output.take_last() or last
        self._output.finish()
        last = self._output.take_last() or last
        self._await_end(caller)
        return last

    @property
    def told_to_end(self) -> bool:
        """Whether it was sent a signal, since its caller would wait no longer."""
        return self._kill_at is not None

    @property
    def status(self) -> str:
        """How it ended, in words."""
        if self._output.too_long:
            return f"wrote a line of more than {LONGEST:,} bytes"
        code = self._process.returncode
        if code is None:
            return "still runs"
        if code >= 0:
            return f"exited with status {code}"
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"was killed by signal {-code}"

    @property
    def succeeded(self) -> bool:
        """Whether it ended with status 0, and all that it wrote was read."""
        return self._process.returncode == 0 and not self._output.too_long

    @property
    def started(self) -> bool:
        """Whether there was a program; 126 and 127 are a shell's words for "none"."""
        return self._process.returncode not in (126, 127)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it came."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, seconds))
        return self._process.returncode is not None

    def signal(self, number: int) -> None:
        """Send a signal to it and its children."""
        if self._process.poll() is None:
            self._signal_group(number)

    def _signal_group(self, number: int) -> bool:
        """Send a signal; return whether there was anybody to get it."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):  # none; zombies, on some systems
            return False
        return True

    def end_group(self, grace: float) -> None:
        """End what it has started and left behind, when it has ended itself."""
        killed = self._process.returncode == -signal.SIGKILL  # so were the others
        deadline = monotonic() + (0 if killed else min(LEFT_BEHIND, grace))
        while self._signal_group(signal.SIGTERM) and monotonic() < deadline:
            sleep(TICK)
        self._signal_group(signal.SIGKILL)
        self._leash.remove(self._process.pid)

    def hang_up(self) -> None:
        """Close its input."""
        if not self._stdin.closed:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._stdin.fileno())
            self._stdin.close()

    def dispose(self) -> None:
        """Free the pipes, when it has ended."""
        self.hang_up()
        self._stdout.close()

    def _step(self, caller: Caller) -> bool:
        """Write and read what is possible; return False at the end of its output."""
        self._heed(caller)
        self._write()
        if self._output.too_long:
            self.signal(signal.SIGKILL)
            return False
        self._poll.poll(TICK * 1000)
        # looked at before reading: what it said before its end is not to be missed
        if self._process.poll() is not None:
            self._read_rest()
            return False
        return self._read() is not Reading.END

    def _read_rest(self) -> None:
        """Read what it has left in the pipe, and wait for no more.

        What it has started may hold the pipe open, and go on writing.
        """
        number = fcntl.ioctl(self._stdout, termios.FIONREAD, bytes(4))
        left = int.from_bytes(number, sys.byteorder)
        while left > 0 and (data := os.read(self._stdout.fileno(), min(left, CHUNK))):
            self._output.feed(data)
            left -= len(data)

    def _await_end(self, caller: Caller) -> None:
        """Wait for its end; it has closed its output, and may still read its task."""
        with contextlib.suppress(KeyError):
            self._poll.unregister(self._stdout.fileno())
        while not self.wait(0 if self._unwritten else TICK):
            self._heed(caller)
            if self._unwritten:
                self._poll.poll(TICK * 1000)
            self._write()

    def _read(self) -> Reading:
        try:
            data = os.read(self._stdout.fileno(), CHUNK)
        except BlockingIOError:
            return Reading.NONE
        self._output.feed(data)
        return Reading.SOME if data else Reading.END

    def _write(self) -> None:
        if self._stdin.closed:
            return
        try:
            while self._unwritten:
                count = os.write(self._stdin.fileno(), self._unwritten)
                self._unwritten = self._unwritten[count:]
        except BlockingIOError:
            self._poll.register(self._stdin.fileno(), select.POLLOUT)
            return
        except BrokenPipeError:  # it does not read; its output and status decide
            self._unwritten = memoryview(b"")
        with contextlib.suppress(KeyError):
            self._poll.unregister(self._stdin.fileno())
        if self._hang_up_after:
            self.hang_up()

    def _heed(self, caller: Caller) -> None:
        if not caller.cancelled:
            return
        grace = caller.grace_left
        if self._kill_at is None:
            self.signal(signal.SIGTERM)
            self._kill_at = monotonic() + min(GRACE, grace * SHARE)
        if monotonic() >= self._kill_at or grace <= 0:
            self.signal(signal.SIGKILL)


def end(children: Iterable[Child], grace: Grace) -> None:
    """End processes: first ask them, by closing their input, then insist.

    Args:
        children: The processes.
        grace: How long that may take.
    """
    children = list(children)
    for child in children:
        child.hang_up()
    ours = grace() * SHARE
    for seconds, number in (
        (min(HANG_UP, ours / 3), signal.SIGTERM),
        (min(GRACE, ours * 2 / 3), signal.SIGKILL),
    ):
        deadline = monotonic() + seconds
        for child in children:
            while not child.wait(min(TICK, deadline - monotonic())):
                if monotonic() >= deadline or grace() <= 0:
                    child.signal(number)
                    break
    for child in children:
        child.wait(GRACE)
        child.end_group(grace() * SHARE)
        child.dispose()
