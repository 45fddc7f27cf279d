"""The taskmaster: a loop for time, and one for done tasks."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from task_store import Patience, Store, open_store

from task_core.api import OptionError, Task, Taskmaster, TaskmasterContext
from task_taskmaster_workflow.folder import Library, store_beside
from task_taskmaster_workflow.following import Follower, Topics, Work
from task_taskmaster_workflow.joining import Joining
from task_taskmaster_workflow.making import deadline_of, in_order
from task_taskmaster_workflow.options import Options
from task_taskmaster_workflow.running import Running
from task_taskmaster_workflow.successes import Successes
from task_taskmaster_workflow.timekeeper import Timekeeper

if TYPE_CHECKING:
    from task_taskmaster_workflow.filing import Filing

WAIT = 0.05
"""Seconds to wait for more done tasks, from the first one on."""
GIVEN_BACK = "what is in work is given back"
"""What becomes of it when a stop comes while the store is away."""


def make_taskmaster(options: Options) -> Taskmaster:
    """Read the files, open the store, and make the taskmaster.

    Raises:
        OptionError: There are no files, or none that can be used, or the library is
            not there that reads events.
        StoreError: The store cannot be used.
    """
    library = Library(options.path)
    if options.file_topic:
        _filing()
    url = store_beside(options.path) if options.store is None else options.store
    store = open_store(url)
    store.check_place()
    return WorkflowTaskmaster(library, store, options)


class WorkflowTaskmaster(Taskmaster):
    """Sends tasks at times, and after others are done.

    Args:
        library: The files.
        store: What instances share.
        options: The rest.
    """

    def __init__(self, library: Library, store: Store, options: Options) -> None:
        self._library = library
        self._store = store
        self._options = options
        self._topics = Topics(
            failed=_topic(options.failed_topic), alerts=_topic(options.alert_topic)
        )
        self._counts: Counter[str] = Counter()
        self._timekeeper: Timekeeper | None = None
        self._successes = Successes()
        self._lock = threading.Lock()

    def loops(self) -> Sequence[Any]:
        """Return the loop of time, that of done tasks, and that of files if any."""
        loops = [self.keep_time, self.follow]
        return [*loops, self.read_files] if self._options.file_topic else loops

    def keep_time(self, ctx: TaskmasterContext) -> None:
        """Fire, send what is due, read files again."""
        for line in self._library.told:
            ctx.log.error("%s", line)
        self._tell_idle(ctx)
        refresh = self._options.refresh.total_seconds()
        with self._store.serving(ctx, "the next start sends what is due"):
            self._timekeeper = Timekeeper(
                ctx,
                self._library,
                self._store,
                self._topics,
                refresh,
                self._successes,
            )
            self._timekeeper.run()

    def _tell_idle(self, ctx: TaskmasterContext) -> None:
        if not self._options.file_topic:
            for phase in self._library.book.phases:
                if phase.files:
                    text = "%s: no file starts it without --taskmaster-file-topic"
                    ctx.log.warning(text, phase)

    def read_files(self, ctx: TaskmasterContext) -> None:
        """Read what a topic tells of files, and claim what they start."""
        filing = _filing()(ctx, self._library, self._store, self._topics.alerts)
        with self._store.serving(ctx, GIVEN_BACK):
            for count in filing.read(self._options.file_topic, self._options.channel):
                if count and self._timekeeper is not None:
                    self._timekeeper.outbox.look()

    def follow(self, ctx: TaskmasterContext) -> None:
        """Read done tasks, and claim what follows them."""
        with self._store.serving(ctx, GIVEN_BACK):
            self._follow(ctx)

    def _follow(self, ctx: TaskmasterContext) -> None:
        done = DoneTasks(ctx, self._library, self._store, self._topics)
        done.begin()
        options = self._options
        for tasks in ctx.batches(
            options.done_topic, options.channel, options.batch, WAIT
        ):
            work = done.handle(tasks)
            with self._lock:
                self._counts += work.counts
            self._successes.note(work.complete, ctx.clock.time())
            if (work.made or work.claims) and self._timekeeper is not None:
                self._timekeeper.outbox.look()

    def info(self) -> Mapping[str, Any]:
        """Return what fires next, what done tasks came to, and what is wrong."""
        slots = self._timekeeper.agenda.slots if self._timekeeper else ()
        with self._lock:
            counts = dict(self._counts)
        return {
            "workflows": sorted(self._library.book.entries),
            "problems": list(self._library.told),
            "firings": [
                {
                    "phase": str(slot.phase),
                    "cron": slot.cron.text,
                    "timezone": str(slot.cron.zone),
                    "done": slot.done.astimezone(slot.cron.zone).isoformat(),
                    "next": slot.next.astimezone(slot.cron.zone).isoformat()
                    if slot.next
                    else "",
                }
                for slot in slots
            ],
            "phases": self._phases(),
            "outbox": self._timekeeper.outbox.facts() if self._timekeeper else {},
            "done tasks": counts,
        }

    def _phases(self) -> list[dict[str, Any]]:
        """Return of each when it was complete last, and how late it fires."""
        lags = self._timekeeper.lags() if self._timekeeper else {}
        phases = {(it.workflow, it.name): it for it in self._library.book.phases}
        return [
            {
                "workflow": workflow,
                "phase": name,
                "last_success": self._successes.of(phase),
                "lag_seconds": lags.get((workflow, name)),
            }
            for (workflow, name), phase in phases.items()
        ]


def _filing() -> "type[Filing]":
    """Return what reads the topic of files.

    Raises:
        OptionError: The library that knows files is not installed.
    """
    try:
        from task_taskmaster_workflow.filing import Filing
    except ModuleNotFoundError:
        text = "pip install 'task-taskmaster-workflow[files]' to have it read"
        raise OptionError([f"file_topic: {text}"]) from None
    return Filing


class DoneTasks:
    """Handles done tasks by lists: what they come to is claimed in one transaction.

    Args:
        ctx: Of the loop that reads them.
        library: The files.
        store: Where claims and joins are.
        topics: Where other things go.
    """

    def __init__(
        self,
        ctx: TaskmasterContext,
        library: Library,
        store: Store,
        topics: Topics,
    ) -> None:
        self._ctx = ctx
        self._library = library
        self._store = store
        self._topics = topics
        self._patience = Patience(ctx)
        self._follower = Follower(topics, ctx.clock)
        self._running = Running(store)
        self._joining = Joining(store, self._follower, ctx.clock)

    def begin(self) -> None:
        """Make ready, once before the first."""
        self._patience.insist(self._joining.begin)

    def handle(self, tasks: Sequence[Task]) -> Work:
        """Claim what some done tasks come to; it survives a kill from here on."""
        now = self._patience.insist(self._store.now)
        book = self._library.book
        work = Work()
        for task in tasks:
            self._follower.look(book, task, now, work)
        if work.made or work.claims or work.arrivals or work.over or work.ended:
            made, claims = len(work.made), len(work.claims)

            def commit() -> None:
                del work.made[made:], work.claims[claims:]  # of an attempt before
                self._commit(work, now)

            self._patience.insist(commit)
        for word in ("no workflow", "unknown workflow", "unknown result"):
            if count := work.counts[word]:
                self._ctx.log.debug("%d done tasks with %s", count, word)
        return work

    def _commit(self, work: Work, now: float) -> None:
        with self._store.transaction():
            self._joining.arrive(work.arrivals, work)
            deadlines = (
                deadline_of(it, self._topics.alerts, now, self._ctx.clock)
                for it in work.made
            )
            self._store.queue(
                [
                    *in_order(work.made, now),
                    *work.claims,
                    *(claim for claim in deadlines if claim),
                ]
            )
            if work.over:
                self._store.sent(work.over)
            self._running.end(work.ended)


def _topic(name: str) -> str:
    return "" if name == "-" else name
