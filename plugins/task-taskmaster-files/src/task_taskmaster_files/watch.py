"""One rule at work: when to list, what to do with what is found."""

import threading
from datetime import UTC, datetime
from typing import Any

from task_store.store import Store

from task_core.api import TaskmasterContext
from task_taskmaster_files.listing import Lister
from task_taskmaster_files.memory import TIDY_EVERY, TIDY_FIRST, forget_gone
from task_taskmaster_files.rule import Existing, Rule
from task_taskmaster_files.scanner import Scanner
from task_taskmaster_files.teller import BEGUN, Teller

REST = 10.0
"""So many times as long as a listing took, the next one waits: it takes a tenth."""
SHORTEST = 0.5
"""Seconds between two listings, whoever asks for them."""


class Watch:
    """One rule at work. Used by one thread, but for `wake`.

    Args:
        rule: The rule.
        lister: Of its storage.
    """

    def __init__(self, rule: Rule, lister: Lister) -> None:
        self.rule = rule
        self._scanner = Scanner(rule, lister)
        self._asked = threading.Event()
        self._last = self._took = 0.0
        self._listed: datetime | None = None
        self._problems: list[str] = []
        self._told = 0

    def load(self, ctx: TaskmasterContext, store: Store) -> None:
        """Read what was told before."""
        self._store = store
        self._scanner.log = ctx.log
        for path, version in store.seen.load(self.rule.key):
            self._scanner.know(path, version)
        self._is_new = self.rule.key not in store.progress.load(BEGUN)
        now = ctx.clock.monotonic()
        self._due, self._tidy = now, now + TIDY_FIRST

    def wake(self) -> None:
        """Something may have changed (any thread)."""
        self._asked.set()

    @property
    def due(self) -> float:
        """When to list again, on the clock that nobody sets."""
        if self._asked.is_set():
            return min(self._due, self._last + max(SHORTEST, REST * self._took))
        return self._due

    def look(self, ctx: TaskmasterContext, teller: Teller) -> None:
        """List if it is time, and tell what is new and finished."""
        begin = ctx.clock.monotonic()
        if begin < self.due or ctx.stopping:
            return
        self._asked.clear()
        if self._is_new and self.rule.existing is Existing.SKIP:
            self._know_all(ctx, teller, begin)
        else:
            self._tell_all(ctx, teller, begin)
        self._report(ctx)
        if not ctx.stopping:
            self._plan(ctx, begin)

    def facts(self) -> dict[str, Any]:
        """Return facts for people."""
        tally = self._scanner.tally
        return {
            "rule": str(self.rule),
            "listed": self._listed.isoformat() if self._listed else "",
            "seconds": round(self._took, 3),
            "files": tally.files,
            "unfinished": tally.waiting,
            "told": self._told,
            "problems": self._problems,
        }

    def _know_all(self, ctx: TaskmasterContext, teller: Teller, begin: float) -> None:
        """Take all that is there for told: it was there before this rule."""
        count = 0
        for found in self._scanner.scan(self._now(ctx), begin, whatever=True):
            teller.skip(self.rule, [file for _, file in found])
            self._scanner.told(found)
            count += len(found)
            if ctx.stopping:
                return
        if count:
            text = "%s: %d files are there already, and no task is made for them"
            ctx.log.info(text, self.rule, count)
        self._begun(teller)

    def _tell_all(self, ctx: TaskmasterContext, teller: Teller, begin: float) -> None:
        for found in self._scanner.scan(self._now(ctx), begin):
            self._told += teller.tell(self.rule, [file for _, file in found])
            self._scanner.told(found)
            if ctx.stopping:
                return
        if self._is_new:
            self._begun(teller)
        if begin >= self._tidy:
            self._tidy = begin + TIDY_EVERY
            forget_gone(self._scanner, self._store, self._now(ctx), teller.insist)

    def _begun(self, teller: Teller) -> None:
        """Write down that the rule has begun, unless nothing could be listed."""
        if self._scanner.tally.roots:
            teller.insist(self._note_begin)
            self._is_new = False

    def _note_begin(self) -> None:
        now = self._store.now()
        self._store.progress.advance(BEGUN, self.rule.key, now, str(self.rule))

    def _report(self, ctx: TaskmasterContext) -> None:
        """Tell what cannot be listed; once, until that changes."""
        problems = self._scanner.tally.told()
        for problem in problems:
            if problem not in self._problems:
                ctx.log.warning("%s: %s; looking again", self.rule, problem)
        if self._problems and not problems:
            ctx.log.info("%s: all can be listed again", self.rule)
        self._problems = problems

    def _plan(self, ctx: TaskmasterContext, begin: float) -> None:
        """Work out when to list next."""
        self._last = end = ctx.clock.monotonic()
        self._took = end - begin
        self._listed = self._now(ctx)
        self._due = end + self.rule.every
        quiet = self._scanner.next()
        if quiet is not None:
            earliest = end + max(SHORTEST, REST * self._took)
            self._due = min(self._due, max(quiet, earliest))

    def _now(self, ctx: TaskmasterContext) -> datetime:
        return datetime.fromtimestamp(ctx.clock.time(), UTC)
