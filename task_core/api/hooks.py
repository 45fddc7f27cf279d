"""Hooks: how a plugin watches or steers tasks without being a bus or a worker.

Observers are told; one that raises is logged, and muted after ten in a row. Deciders
are asked: the first answer that is not None wins, an exception is an error of the task.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import pluggy

from task_core.api.bus import Bus
from task_core.api.message import Delivery, Message, Settled
from task_core.api.plugin import NoOptions, late
from task_core.api.worker import Outcome
from task_core.errors import BusError
from task_core.task import Task

PROJECT = "task_core"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of that name."""

DECIDERS = frozenset(
    {
        "task_rate",
        "task_should_run",
        "task_retry_delay",
        "task_before_send",
        "task_claim_send",
        "status_page",
    }
)


@attrs.frozen(kw_only=True, eq=False)
class HooksPlugin:
    """Manifest of hooks that have options (entry-point group `task_core.hooks`).

    Those that do nothing until something is set belong in `task_core.hooks_if_set`.

    Args:
        name: As the entry point says it.
        summary: One line for lists.
        options: The attrs class of its options: `[hooks.NAME]`, `TASK_HOOKS_NAME_…`.
        make: Takes the options, returns an object with hooks, or where that function
            is, as text. It connects to nothing yet: it is also made to be looked at.
        api: The API number that it was written for.
    """

    name: str
    summary: str
    make: Callable[[Any], Any] = attrs.field(repr=False, converter=late)
    options: type = NoOptions
    api: int = 1


class HookSpecifications:
    """The hooks, each with the moment at which it is called.

    An implementation may take fewer arguments than its specification.
    """

    @hookspec
    def launcher_started(
        self, guarantee: str, facts: Callable[[], Mapping[str, Any]]
    ) -> None:
        """Observer: the launcher is about to receive; `guarantee` is its start line.

        `facts` returns what `/info` tells of it, at any time and in any thread.
        """

    @hookspec
    def launcher_stopping(self, reason: str) -> None:
        """Observer: the launcher receives no more, for example `end of input`."""

    @hookspec
    def launcher_stopped(self, stats: Mapping[str, Any]) -> None:
        """Observer: everything is settled or given back; the final counts."""

    @hookspec
    def bus_opened(self, bus: Bus) -> None:
        """Observer: the bus is connected, and what the launcher reads is subscribed."""

    @hookspec
    def bus_lost(self, error: BusError) -> None:
        """Observer: the broker is away; the launcher tries again until it is back."""

    @hookspec
    def launcher_paused(self, failures: int, msg: str) -> None:
        """Observer: so many tasks in a row have failed: `--pause-on-errors`."""

    @hookspec
    def launcher_resumed(self, seconds: float) -> None:
        """Observer: after so long a task has succeeded, and all goes on."""

    @hookspec
    def task_received(self, task: Task, delivery: Delivery) -> None:
        """Observer: a delivery was decoded; nothing has run yet."""

    @hookspec
    def task_started(self, task: Task) -> None:
        """Observer: a slot is about to call the worker (called in that slot)."""

    @hookspec
    def task_finished(self, task: Task, outcome: Outcome) -> None:
        """Observer: the worker returned or raised (called in that slot)."""

    @hookspec
    def task_settled(self, task: Task) -> None:
        """Observer: the done task is confirmed and its delivery acknowledged."""

    @hookspec
    def batch_settled(self, batch: Sequence[Settled]) -> None:
        """Observer: deliveries were settled in one step; what became of each."""

    @hookspec
    def task_sent(self, messages: Sequence[Message]) -> None:
        """Observer: the bus confirmed messages: done tasks, children, dead letters."""

    @hookspec(firstresult=True)
    def task_rate(self, task: Task) -> tuple[str, str] | None:
        """Decider: a key and how often its tasks run here, as `("team 7", "5/m")`."""

    @hookspec(firstresult=True)
    def task_should_run(self, task: Task) -> Outcome | None:
        """Decider: an outcome takes the place of running the worker."""

    @hookspec(firstresult=True)
    def task_retry_delay(
        self, task: Task, attempt: int, outcome: Outcome
    ) -> float | None:
        """Decider: seconds until a failed task runs again."""

    @hookspec(firstresult=True)
    def task_before_send(
        self, task: Task, topic: str, parent: Task | None
    ) -> Task | None:
        """Decider: the task to send in place of this one.

        `parent` is the task whose run has made it: of a done task, that itself.
        """

    @hookspec(firstresult=True)
    def task_claim_send(self, task: Task, topic: str, seconds: float) -> str | None:
        """Decider: empty if nobody sent its like for so long, else the id of that."""

    @hookspec
    def task_send_failed(self, task: Task, topic: str) -> None:
        """Observer: a task that was claimed could not be sent."""

    @hookspec(firstresult=True)
    def status_page(self, path: str) -> tuple[str, bytes] | None:
        """Decider: content type and body of a page of `--status`, in another thread."""
