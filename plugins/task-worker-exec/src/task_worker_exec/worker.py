"""The worker `exec`: any program, in any language, does the tasks.

The program reads one task a line from its stdin and answers each with one outcome a
line on its stdout; what it writes to stderr is shown. See `outcome` for answers.
"""

import contextlib
import math
import os
import shutil
import signal
import threading
from collections.abc import Sequence

from task_core.api import (
    Outcome,
    Worker,
    WorkerContext,
    WorkerError,
    encode_task,
    failed,
    interrupted,
)
from task_worker_exec.backoff import Backoff
from task_worker_exec.child import Child, Grace, end
from task_worker_exec.keys import Keys
from task_worker_exec.leash import Leash
from task_worker_exec.options import missing_script, split_command
from task_worker_exec.outcome import read_answer, read_ending


def make_exec(command: str, *, once: bool) -> Worker:
    """Return the worker for a command.

    Args:
        command: A program, and its arguments as a shell would split them.
        once: Start a new process for each task.

    Raises:
        WorkerError: There is no such program, or it may not be executed.
    """
    argv = read_command(command)
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        # Whoever started us ignores it, and so did we: the system would not tell how
        # programs end. Only the main thread may change that.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return OnceWorker(argv) if once else ExecWorker(argv)


def read_command(command: str) -> list[str]:
    """Split a command, and check that its program can be executed.

    Raises:
        WorkerError: It cannot.
    """
    try:
        argv = split_command(command)
    except ValueError as error:
        raise WorkerError(f"worker 'exec': cannot split {command!r}: {error}") from None
    if not argv:
        raise WorkerError("worker 'exec': no program given: use exec:./program")
    program = argv[0]
    if shutil.which(program) is None:
        raise WorkerError(f"worker 'exec': {_problem(program)}")
    if script := missing_script(argv):
        raise WorkerError(f"worker 'exec': there is no file '{script}' for {program}")
    return argv


class ExecWorker(Worker):
    """Keeps one child for each slot; each does one task at a time.

    Args:
        argv: The program and its arguments.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self._slot = threading.local()
        self._children: set[Child] = set()
        self._leash = Leash()
        self._backoff = Backoff()
        self._keys = Keys()
        self._grace: Grace = lambda: math.inf

    def do_task(self, ctx: WorkerContext) -> Outcome:
        """Have the child of this slot do one task."""
        if ctx.cancelled:
            return interrupted()
        self._grace = lambda: ctx.grace_left
        child = self._ready_child()
        if child is not None:
            outcome = self._ask(child, ctx)
            # a child that ended well since its last task just wants a successor
            if outcome is not None or not child.succeeded:
                return outcome or _broken(child, ctx)
        if not self._backoff.wait(ctx):
            return interrupted()
        try:
            child = self._start(ctx)
        except OSError as error:
            self._backoff.note(works=False)
            return failed(f"cannot start {self._argv[0]}: {error.strerror}")
        outcome = self._ask(child, ctx)
        self._backoff.note(works=outcome is not None or ctx.cancelled)
        return outcome or _broken(child, ctx)

    def close(self) -> None:
        """End all children."""
        end(self._children.copy(), self._grace)
        self._children.clear()
        self._leash.close()

    def _ready_child(self) -> Child | None:
        child: Child | None = getattr(self._slot, "child", None)
        if child is None or child.ready():
            return child
        self._end(child)
        return None

    def _start(self, ctx: WorkerContext) -> Child:
        child = Child(self._argv, self._leash, ctx)
        self._children.add(child)
        self._slot.child = child
        return child

    def _ask(self, child: Child, ctx: WorkerContext) -> Outcome | None:
        """Return what the child answers, or None when it ended instead."""
        line = encode_task(ctx.task) + b"\n"
        try:
            answer = child.ask(line, ctx)
        except BaseException:  # it was interrupted: the answer would be to the next
            self._end(child)
            raise
        if answer is None or child.told_to_end:  # it may answer, and end after that
            self._end(child)
        if answer is None:
            return None
        return read_answer(answer, ctx, self._keys)

    def _end(self, child: Child) -> None:
        self._slot.child = None
        end([child], self._grace)
        self._children.discard(child)


class OnceWorker(Worker):
    """Starts a process for each task; its exit status and last line are the outcome.

    Args:
        argv: The program and its arguments.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self._children: set[Child] = set()
        self._leash = Leash()
        self._backoff = Backoff()
        self._keys = Keys()
        self._grace: Grace = lambda: math.inf

    def do_task(self, ctx: WorkerContext) -> Outcome:
        """Have a new process do one task."""
        if ctx.cancelled or not self._backoff.wait(ctx):
            return interrupted()
        self._grace = lambda: ctx.grace_left
        try:
            child = Child(self._argv, self._leash, ctx)
        except OSError as error:
            self._backoff.note(works=False)
            return failed(f"cannot start {self._argv[0]}: {error.strerror}")
        self._children.add(child)
        try:
            last = child.run(encode_task(ctx.task) + b"\n", ctx)
        finally:
            end([child], self._grace)
            self._children.discard(child)
        self._backoff.note(works=child.started)
        if ctx.cancelled and not child.succeeded:
            return interrupted()
        return read_ending(last, child.succeeded, child.status, ctx, self._keys)

    def close(self) -> None:
        """End what still runs."""
        end(self._children.copy(), self._grace)
        self._leash.close()


def _broken(child: Child, ctx: WorkerContext) -> Outcome:
    if ctx.cancelled:
        return interrupted()
    return failed(f"the program {child.status} before it answered")


def _problem(program: str) -> str:
    if os.path.isdir(program):
        return f"'{program}' is a directory"
    if os.path.exists(program):
        return f"'{program}' may not be executed: chmod +x it"
    return f"there is no program '{program}'"
