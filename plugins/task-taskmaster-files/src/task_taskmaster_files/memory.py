"""Forgets what is gone for long, so that the store does not grow for ever."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from task_store.outbox import Outbox
from task_store.seen import Version
from task_store.store import Store

from task_core.api import TaskmasterContext
from task_taskmaster_files.rule import Rule, Source
from task_taskmaster_files.scanner import Scanner
from task_taskmaster_files.teller import chunks, fired_scope

RENEW = 15 * 86400.0
"""Seconds after which it is noted again that a file is there."""
FORGET = 45 * 86400.0
"""Seconds after that note when a file that is gone is forgotten: a month at least. So
long is known, too, what events have told, and that a group has fired."""
TIDY_EVERY = 86400.0
TIDY_FIRST = 3600.0
"""Seconds between looks for what is gone, and to the first of them."""
AT_ONCE = 1000
Insist = Callable[[Callable[[], Any]], Any]
"""Does something with the store, again and again while it is away."""


def forget_gone(scanner: Scanner, store: Store, now: datetime, insist: Insist) -> None:
    """Forget the versions that no listing has had for a month.

    A file that is gone for a while, as on a share that is not there, comes back as the
    same version, and is not told again.
    """
    rule = scanner.rule.key
    old: Sequence[Version] = insist(partial(store.seen.older, rule, RENEW))
    if not old:
        return
    there = scanner.marks(now)
    if there is None:
        return
    for some in chunks((it for it in old if scanner.mark(*it) in there), AT_ONCE):
        insist(partial(store.seen.renew, rule, some))
    old = insist(partial(store.seen.older, rule, FORGET))
    gone = [it for it in old if scanner.mark(*it) not in there]
    for some in chunks(gone, AT_ONCE):
        insist(partial(store.seen.forget, rule, some))
    scanner.forget(gone)


class Forgetter:
    """Forgets what no listing has: what events told, and which groups have fired.

    Args:
        ctx: Has the clock.
        rules: All rules.
        store: Where it is kept.
        outbox: Insists.
    """

    def __init__(
        self,
        ctx: TaskmasterContext,
        rules: Sequence[Rule],
        store: Store,
        outbox: Outbox,
    ) -> None:
        self._ctx = ctx
        self._rules = rules
        self._store = store
        self._outbox = outbox
        self._due = ctx.clock.monotonic() + TIDY_FIRST

    def look(self) -> None:
        """Forget what is old, if it is time."""
        now = self._ctx.clock.monotonic()
        if now < self._due:
            return
        self._due = now + TIDY_EVERY
        for act in self._acts():
            self._outbox.insist(act)

    def _acts(self) -> Iterator[Callable[[], object]]:
        seen, progress = self._store.seen, self._store.progress
        for rule in self._rules:
            if rule.source is Source.EVENTS:
                yield partial(seen.forget_older, rule.key, FORGET)
            if rule.grouping is not None:
                before = self._outbox.insist(self._store.now) - FORGET
                yield partial(progress.forget_before, fired_scope(rule), before)
