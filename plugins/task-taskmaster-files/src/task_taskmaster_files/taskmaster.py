"""The taskmaster: looks for files, and tells each version of each once."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from task_store.outbox import Outbox
from task_store.store import Store, open_store

from task_core.api import Taskmaster, TaskmasterContext
from task_taskmaster_files.groups import GroupKeeper
from task_taskmaster_files.listers import make_lister
from task_taskmaster_files.listing import Lister
from task_taskmaster_files.manifests import Manifests
from task_taskmaster_files.options import Options
from task_taskmaster_files.rule import Rule
from task_taskmaster_files.rules import read_rules
from task_taskmaster_files.teller import Teller
from task_taskmaster_files.watch import Watch
from task_taskmaster_files.watcher import Watcher

LOOK_EVERY = 1.0
"""Longest wait, in seconds, without a look for what is due."""


def make_taskmaster(options: Options) -> Taskmaster:
    """Read rules, open the store, and make the taskmaster.

    Raises:
        OptionError: They cannot be read, or are wrong.
        StoreError: The store cannot be used.
    """
    rules = read_rules(options.rules, timezone=options.timezone)
    listers = [make_lister(rule, rules.storage) for rule in rules.rules]
    store = open_store(options.store or str(beside(options.rules, ".store.db")))
    store.check()
    place = options.manifests or str(beside(options.rules, ".manifests"))
    manifests = Manifests(place, rules.storage)
    return FilesTaskmaster(options, rules.rules, listers, store, manifests)


def beside(rules: Path, suffix: str) -> Path:
    """Return the path of what belongs to a rules file."""
    return rules.with_suffix(suffix)


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

    def run(self, ctx: TaskmasterContext) -> None:
        """Look and tell until stopped.

        Raises:
            OptionError: A manifest cannot be written.
            BusError: A task cannot be sent; it is sent after the restart.
            StoreError: The store cannot be used.
        """
        outbox = Outbox(ctx, self._store)
        teller = Teller(ctx, self._store, outbox, self._options.alerts)
        keeper = GroupKeeper(ctx, self._store, outbox, teller, self._manifests)
        for watch in self._watches:
            outbox.insist(partial(watch.load, ctx, self._store))
        with Watcher(ctx, self._local_watches()):
            while not ctx.stopping:
                outbox.take_over()
                for watch in self._watches:
                    watch.look(ctx, teller)
                soonest = self._look_at_groups(ctx, keeper)
                ctx.wait(outbox.left(min(LOOK_EVERY, soonest, self._next(ctx))))

    def info(self) -> Mapping[str, Any]:
        """Return what each rule has seen, and what waits."""
        rules = [watch.facts() for watch in self._watches]
        return {"store": self._store.name, "rules": rules, "grouped": self._waiting}

    def _look_at_groups(self, ctx: TaskmasterContext, keeper: GroupKeeper) -> float:
        """Fire what is due; return in how many seconds to look again."""
        soonest = LOOK_EVERY
        for rule in self._rules:
            if rule.grouping is None or ctx.stopping:
                continue
            self._waiting[str(rule)], seconds = keeper.look(rule)
            if seconds is not None:
                soonest = min(soonest, max(0.0, seconds))
        return soonest

    def _next(self, ctx: TaskmasterContext) -> float:
        """Return in how many seconds a listing is due."""
        now = ctx.clock.monotonic()
        moments = [watch.due - now for watch in self._watches]
        return max(0.0, min(moments, default=LOOK_EVERY))

    def _local_watches(self) -> list[Watch]:
        if not self._options.watch:
            return []
        return [it for it in self._watches if it.rule.pattern.is_local]
