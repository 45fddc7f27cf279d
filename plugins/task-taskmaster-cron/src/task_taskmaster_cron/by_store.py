"""Firings of several instances: claimed in a store, so that each is sent once."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from task_store import Claim, Outbox, Store, StoreAwayError, key_of

from task_core.api import Task, TaskmasterContext, encode_task
from task_taskmaster_cron.agenda import Agenda, Entry
from task_taskmaster_cron.rule import Rule

LOOK_EVERY = 1.0
"""Seconds between two looks how far others are, while much is late."""
SCOPE = "cron"
"""Of the keys in the store."""


class StoreLedger:
    """Claims each firing, under a key of its rule and its time, and sends what is ours.

    What an instance has claimed and not sent, since it was killed, another one sends
    after the lease; the same bytes.

    Args:
        store: Where the claims are.
        before: How far rules are done that the store does not know: what the state file
            of a single instance says.
    """

    def __init__(self, store: Store, before: Mapping[str, datetime]) -> None:
        self._store = store
        self._before = before

    @contextlib.contextmanager
    def opened(self, ctx: TaskmasterContext) -> Iterator[None]:
        """`with` it, the store is open."""
        self._ctx = ctx
        self._outbox = Outbox(ctx, self._store)
        self._look = ctx.clock.monotonic()
        try:
            yield
        except StoreAwayError:
            if not ctx.stopping:
                raise
            ctx.log.warning(
                "stopped while the store is away; others, or the next one,"
                " send what is due"
            )
        finally:
            self._store.close()

    def begin(self, agenda: Agenda) -> None:
        """Write how far the rules are done, unless others are further."""
        for entry in agenda.entries:
            self.passed(entry)

    def load(self) -> Mapping[str, datetime]:
        """Return how far rules are done, by whoever did it."""
        done = self._outbox.insist(lambda: self._store.progress.load(SCOPE))
        moments = {key: datetime.fromtimestamp(it, UTC) for key, it in done.items()}
        return {**self._before, **moments}

    def behind(self, agenda: Agenda) -> None:
        """Be as far as the others are; look once a second when much is late."""
        now = self._ctx.clock.monotonic()
        if now >= self._look:
            self._look = now + LOOK_EVERY
            agenda.catch_up(self.load())

    def restarted(self, entries: Sequence[tuple[Entry, datetime]]) -> None:
        """Put rules back that nobody else has put back."""
        for entry, before in entries:
            change = (entry.rule.key, before.timestamp(), entry.done.timestamp())
            self._outbox.insist(partial(self._store.progress.put_back, SCOPE, *change))

    def passed(self, entry: Entry) -> None:
        """Write how far a rule is done, unless others are further."""
        self._outbox.insist(lambda: self._advance(entry.rule, entry.done))

    def fire(self, agenda: Agenda, entry: Entry, firing: datetime, task: Task) -> bool:
        """Claim the firing; if it is ours, send its task."""
        rule = entry.rule
        key = key_of(SCOPE, rule.key, firing.isoformat())
        claim = Claim(key, rule.topic, encode_task(task))
        (ours,) = self._outbox.send_from(lambda: self._claim(rule, firing, claim))
        agenda.done(firing)
        return ours

    def rest(self, agenda: Agenda, seconds: float) -> float:
        """Send what others have left."""
        self._outbox.take_over()
        return self._outbox.left(seconds)

    def _claim(self, rule: Rule, firing: datetime, claim: Claim) -> Sequence[Claim]:
        self._advance(rule, firing)
        return [claim]

    def _advance(self, rule: Rule, done: datetime) -> None:
        self._store.progress.advance(SCOPE, rule.key, done.timestamp(), str(rule))
