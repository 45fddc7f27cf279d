"""The main thread's part: it runs nothing itself, so it always answers to signals."""

import contextlib
import faulthandler
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from math import inf
from types import FrameType
from typing import Any, NoReturn, Protocol

from task_core.errors import FrameworkError

LAST_WORDS = 1.0
"""Seconds that the bus thread has to give everything back after a second signal."""
LEAST_PATIENCE = 0.5
"""Seconds that the main thread has at least to say how it went, with threads left."""
MARGIN = 5.0
"""Seconds beyond the kill time after which a bus thread counts as stuck."""
_END = 0
"""The byte that says that the bus thread has ended; no signal has this number."""
_REPLACED: dict[int, Any] = {}
"""Handlers that were there before ours, by signal."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = logging.getLogger("task")


class Stoppable(Protocol):
    """What can be run in a thread and told to stop; twice means at once."""

    def run(self) -> None:
        """Work; returns when there is no more to do."""

    def stop(self) -> None:
        """Stop (any thread)."""


class Supervisor:
    """Runs the bus thread and turns signals into stops.

    Signals come as bytes through a pipe. A handler alone would not do: one that arrives
    just before the main thread begins to wait would be noticed only at the next event.

    Args:
        launcher: What to run.
        kill_time: Seconds that running tasks have after the first signal.
        longest_freeze: Seconds in which Python must run at all: a task that never lets
            go of it would freeze everything, signals and leases too.
    """

    leashed = False
    """Whether a process above passes signals on, which systemd sends to both of us."""

    def __init__(
        self, launcher: Stoppable, kill_time: float, longest_freeze: float = inf
    ) -> None:
        self.signals: list[int] = []
        self._launcher = launcher
        self._longest_freeze = longest_freeze
        self._kill_time = kill_time
        self._limits = (None, kill_time + MARGIN, LAST_WORDS)
        self._error: BaseException | None = None
        self._ended = False

    def run(self) -> bool:
        """Run until the launcher ends; raise what it raised.

        Returns:
            False when the bus thread is stuck and had to be left behind.
        """
        ear, bell = os.pipe()
        thread = threading.Thread(
            target=self._run, args=(bell,), name="bus", daemon=True
        )
        pauses = self._longest_freeze < inf
        with _signals_to(bell, (*_SIGNALS, signal.SIGTSTP) if pauses else _SIGNALS):
            watcher = _start_watcher(ear, max(self._kill_time, LAST_WORDS))
            try:
                self._show_life(self._longest_freeze)
                thread.start()  # it may never let go
                self._listen(ear)
            finally:
                faulthandler.cancel_dump_traceback_later()
                _end_watcher(watcher)
        self._overhear(ear)
        if self._ended:
            thread.join()  # it has yet to ring
            os.close(ear)
            os.close(bell)
        # The pipe of a thread that is left behind stays open: it may ring at any time,
        # and must not do so into whatever has the number of the descriptor by then.
        if self._error is not None:
            raise self._error
        return self._ended

    def _run(self, bell: int) -> None:
        try:
            self._launcher.run()
        except BaseException as error:  # noqa: BLE001  raised again in the main thread
            self._error = error
        finally:
            self._ended = True
            os.write(bell, bytes([_END]))

    def _listen(self, ear: int) -> None:
        """Wait for the end, however long without a signal, and not for ever with.

        A signal that came with the end counts, though nothing is left to be stopped:
        `producer | task launch && publish` must not go on after Ctrl-C.
        """
        ended = False
        while not ended:
            limit = self._limits[min(len(self.signals), 2)]
            if not self._wait(ear, inf if limit is None else limit):
                return
            ended = self._hear(os.read(ear, 64))

    def _wait(self, ear: int, limit: float) -> bool:
        """Wait for signals, and show again and again that Python runs."""
        freeze = min(self._longest_freeze, limit)
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0:
            self._show_life(freeze)
            left = min(left, freeze / 3)
            if select.select([ear], [], [], left if left < inf else None)[0]:
                return True
        return False

    def _show_life(self, freeze: float) -> None:
        """Let the process be ended when this is not called again in so many seconds."""
        if freeze < inf:
            # By a thread of C, which needs nothing of Python; it tells where all are.
            faulthandler.dump_traceback_later(freeze, exit=True, file=2)

    def _pause(self) -> None:
        """Be stopped (Ctrl-Z): the time until the shell goes on is no freeze."""
        faulthandler.cancel_dump_traceback_later()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _hear(self, numbers: bytes) -> bool:
        """Stop the launcher for each signal; say whether the bus thread has ended."""
        for number in numbers:
            if number in _SIGNALS:  # others have handlers of the worker's own
                if self.leashed and number in self.signals:
                    continue
                self.signals.append(number)
                self._launcher.stop()
            elif number == signal.SIGTSTP and self._longest_freeze < inf:
                self._pause()
        return _END in numbers

    def _overhear(self, ear: int) -> None:
        """Count what came after the last look, before others handle signals again."""
        while select.select([ear], [], [], 0)[0]:
            self._hear(os.read(ear, 64))


def _start_watcher(ear: int, grace: float) -> int | None:
    """Start a process that sees that signals are heard in time; return its number.

    It only looks at where they wait.
    """
    program = os.path.join(os.path.dirname(__file__), "last_resort.py")
    words = [sys.executable, "-I", "-S", program, os.getpid(), grace, LAST_WORDS]
    streams = [
        (os.POSIX_SPAWN_DUP2, ear, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        return os.posix_spawn(
            sys.executable,
            [str(word) for word in words],
            os.environ,
            file_actions=streams,
            setpgroup=0,  # Ctrl-C is for the launcher
            setsigmask=(*_SIGNALS, signal.SIGQUIT),  # it ends with what it watches
        )
    except OSError:  # without it, all else works
        return None


def _end_watcher(process: int | None) -> None:
    if process is not None:
        with contextlib.suppress(OSError):  # somebody else has waited for it
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


@contextlib.contextmanager
def _signals_to(bell: int, numbers: Sequence[int]) -> Iterator[None]:
    """Have signals written to a pipe, a byte each, and not act otherwise."""
    os.set_blocking(bell, False)
    wakeup = signal.set_wakeup_fd(bell)
    _REPLACED.clear()
    # What was started with nohup or in the background keeps ignoring.
    heard = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
    for number in heard:
        _REPLACED[number] = signal.signal(number, _leave_it)
    if signal.getsignal(signal.SIGQUIT) is signal.SIG_DFL:
        # By C, whatever Python does; then the process ends, as without it.
        faulthandler.register(signal.SIGQUIT, file=2, chain=True)
    try:
        yield
    finally:
        _restore()
        signal.set_wakeup_fd(wakeup)


def _restore() -> None:
    faulthandler.unregister(signal.SIGQUIT)
    while _REPLACED:
        signal.signal(*_REPLACED.popitem())


def _forget_the_parent() -> None:
    """Make a child that a worker forked act on signals itself.

    It has our handlers and the pipe that they write to: a SIGTERM meant for it would
    stop the launcher, and not the child.
    """
    if _REPLACED:
        signal.set_wakeup_fd(-1)
        _restore()


def on_fork(begin: Callable[[], None], signals: Sequence[int]) -> None:
    """Have each child that is forked begin so, before it hears any of the signals.

    One that came earlier would be taken by the parent's handler, and be lost for the
    child: `multiprocessing.Pool` would await its end for ever.

    Args:
        begin: Called in the child; gives it handlers of its own.
        signals: Those that are held until then.
    """
    held = threading.local()

    def hold() -> None:
        held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def let_go() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held.mask)

    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=begin)
    os.register_at_fork(after_in_child=let_go)


on_fork(_forget_the_parent, _SIGNALS)


def _leave_it(number: int, frame: FrameType | None) -> None:
    """Do nothing: the byte in the pipe is what counts."""


def leave(code: int) -> NoReturn:
    """End the process although threads are stuck in it."""
    logging.shutdown()
    os._exit(code)


def run_and_leave(run: Callable[[], int], who: str, patience: float) -> int:
    """Run, and see to it that the process ends, whatever threads are left then.

    Args:
        run: What to run; returns the exit code.
        who: Whose they are.
        patience: Seconds in which they may end by themselves.
    """
    before = set(threading.enumerate())
    code = 1
    try:
        code = run()
    except FrameworkError as error:
        code = error.exit_code
        raise
    finally:
        after = [one for one in threading.enumerate() if one not in before]
        left = [one for one in after if not one.name.startswith("slot")]
        if left:
            words = (left, who, max(patience, LEAST_PATIENCE), code)
            threading.Thread(
                target=_leave_behind, args=words, name="end", daemon=True
            ).start()
    return code


def _leave_behind(
    left: list[threading.Thread], who: str, patience: float, code: int
) -> None:
    """Leave them behind: Python waits for them, also for those of an executor."""
    time.sleep(patience)
    names = ", ".join(thread.name for thread in left if thread.is_alive())
    log.warning("threads that the %s left are still busy: %s", who, names)
    leave(code)
