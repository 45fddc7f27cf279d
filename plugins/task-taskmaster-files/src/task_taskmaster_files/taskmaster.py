"""The taskmaster: looks for files, and tells each version of each once."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from task_store.outbox import Outbox
from task_store.store import Store, open_store

from task_core.api import Clock, OptionError, Taskmaster, TaskmasterContext
from task_taskmaster_files.filling import wants_manifest
from task_taskmaster_files.groups import GroupKeeper
from task_taskmaster_files.inbox import Inbox
from task_taskmaster_files.listers import make_lister
from task_taskmaster_files.listing import Lister
from task_taskmaster_files.manifests import Manifests
from task_taskmaster_files.memory import Forgetter
from task_taskmaster_files.options import Options
from task_taskmaster_files.rule import Rule, Source
from task_taskmaster_files.rules import read_rules
from task_taskmaster_files.teller import Teller
from task_taskmaster_files.watch import Watch
from task_taskmaster_files.watcher import Watcher

LOOK_EVERY = 1.0
"""Longest wait, in seconds, without a look for what is due."""


def make_taskmaster(options: Options, clock: Clock | None = None) -> Taskmaster:
    """Read rules, open the store, and make the taskmaster.

    Args:
        options: As given.
        clock: A test's, for the store as well.

    Raises:
        OptionError: They cannot be read, or are wrong, or manifests cannot be written.
        StoreError: The store cannot be used.
    """
    rules = read_rules(options.rules, timezone=options.timezone)
    _check_events(options, rules.rules)
    listers = [make_lister(rule, rules.storage) for rule in rules.rules]
    place = options.manifests or str(beside(options.rules, ".manifests"))
    manifests = Manifests(place, rules.storage)
    if any(it.grouping and wants_manifest(it.template) for it in rules.rules):
        manifests.check()
    url = options.store
    if url is None:
        url = str(beside(options.rules, ".store.db"))
    store = open_store(url, clock=clock)
    store.check_place()
    return FilesTaskmaster(options, rules.rules, listers, store, manifests)


def beside(rules: Path, suffix: str) -> Path:
    """Return the path of what belongs to a rules file."""
    return rules.with_suffix(suffix)


def _check_events(options: Options, rules: Sequence[Rule]) -> None:
    if options.events:
        return
    for rule in rules:
        if rule.source is Source.EVENTS:
            text = f"{rule} is told by events: give --taskmaster-events TOPIC"
            raise OptionError([text])


class FilesTaskmaster(Taskmaster):
    """Looks for files, and tells each version of each once.

    Args:
        options: As given.
        rules: What to look for.
        listers: Of each rule; None where events tell the files.
        store: Where it is kept what was told.
        manifests: Writes lists of files.
    """

    def __init__(
        self,
        options: Options,
        rules: Sequence[Rule],
        listers: Sequence[Lister | None],
        store: Store,
        manifests: Manifests,
    ) -> None:
        self._options = options
        self._rules = rules
        self._store = store
        self._manifests = manifests
        pairs = zip(rules, listers, strict=True)
        self._watches = [Watch(rule, lister) for rule, lister in pairs if lister]
        self._waiting: dict[str, int] = {}
        self._looking: TaskmasterContext | None = None
        self._outbox: Outbox | None = None
        self._inbox = self._make_inbox(options.events) if options.events else None

    def loops(self) -> Sequence[Callable[[TaskmasterContext], None]]:
        """Return the loop that looks and sends, and one that reads events."""
        return [self.run, self._inbox.run] if self._inbox else [self.run]

    def run(self, ctx: TaskmasterContext) -> None:
        """Look and tell until stopped.

        Raises:
            OptionError: A manifest cannot be written.
            BusError: A task cannot be sent; it is sent after the restart.
            StoreError: The store cannot be used.
        """
        self._looking = ctx
        self._outbox = outbox = Outbox(ctx, self._store)
        teller = Teller(ctx, self._store, outbox, self._options.alerts)
        keeper = GroupKeeper(ctx, self._store, outbox, teller, self._manifests)
        with self._store.serving(ctx, "the next start looks again"):
            for watch in self._watches:
                outbox.insist(partial(watch.load, ctx, self._store))
            with Watcher(ctx, self._local_watches()):
                self._go_on(ctx, outbox, teller, keeper)

    def info(self) -> Mapping[str, Any]:
        """Return what each rule has seen, and what waits."""
        rules = [watch.facts() for watch in self._watches]
        facts: dict[str, Any] = {"store": self._store.name, "rules": rules}
        if self._inbox:
            told = {"files": self._inbox.files, "unmatched": self._inbox.unmatched}
            facts["events"] = told
        unsent = self._outbox.facts() if self._outbox else {}
        return facts | {"grouped": self._waiting, "outbox": unsent}

    def _go_on(
        self,
        ctx: TaskmasterContext,
        outbox: Outbox,
        teller: Teller,
        keeper: GroupKeeper,
    ) -> None:
        forgetter = Forgetter(ctx, self._rules, self._store, outbox)
        while not ctx.stopping:
            is_last = self._is_last()
            forgetter.look()
            self._send_queued(outbox)
            for watch in self._watches:
                watch.look(ctx, teller)
            soonest = self._look_at_groups(ctx, keeper)
            if is_last and soonest is None:
                return
            seconds = min(LOOK_EVERY, self._next(ctx))
            if soonest is not None:
                seconds = min(seconds, soonest)
            ctx.wait(outbox.left(seconds))

    def _make_inbox(self, topic: str) -> Inbox:
        options = self._options
        return Inbox(
            topic,
            options.channel,
            self._rules,
            self._watches,
            self._store,
            options.alerts,
            self._wake,
        )

    def _wake(self) -> None:
        """Let the loop that looks do so now (any thread)."""
        if self._looking is not None:
            self._looking.wake()

    def _is_last(self) -> bool:
        """Whether nothing new can come: events have ended, and no rule lists."""
        return bool(self._inbox and self._inbox.ended.is_set() and not self._watches)

    def _send_queued(self, outbox: Outbox) -> None:
        """Send what the loop of events has claimed, and what others have left."""
        if self._inbox and self._inbox.queued.is_set():
            self._inbox.queued.clear()
            outbox.take_over_now()
        outbox.take_over()

    def _look_at_groups(
        self, ctx: TaskmasterContext, keeper: GroupKeeper
    ) -> float | None:
        """Fire what is due; return in how many seconds to look again, if ever."""
        nexts: list[float] = []
        for rule in self._rules:
            if rule.grouping is None or ctx.stopping:
                continue
            self._waiting[str(rule)], seconds = keeper.look(rule)
            if seconds is not None:
                nexts.append(max(0.0, seconds))
        return min(nexts, default=None)

    def _next(self, ctx: TaskmasterContext) -> float:
        """Return in how many seconds a listing is due."""
        now = ctx.clock.monotonic()
        moments = [watch.due - now for watch in self._watches]
        return max(0.0, min(moments, default=LOOK_EVERY))

    def _local_watches(self) -> list[Watch]:
        if not self._options.watch:
            return []
        return [it for it in self._watches if it.rule.pattern.is_local]
