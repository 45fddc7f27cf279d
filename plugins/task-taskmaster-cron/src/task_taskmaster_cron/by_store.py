"""Firings of several instances: claimed in a store, so that each is sent once."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import attrs
from task_store import Claim, Outbox, Store, StoreAwayError, key_of

from task_core.api import Task, TaskmasterContext, encode_task
from task_taskmaster_cron.agenda import Agenda, Entry
from task_taskmaster_cron.rule import Rule

LOOK_EVERY = 1.0
"""Seconds between two looks how far others are, while much is late."""
SCOPE = "cron"
"""Of the keys in the store."""


AT_ONCE = 100
"""Firings that are claimed together: all of them must be sent within a lease."""
Moments = Mapping[str, tuple[Rule, datetime]]
"""Up to when rules are done, by their keys."""


@attrs.frozen
class Due:
    """A firing that is to be claimed.

    Args:
        rule, firing: Which.
        task: What is sent, if it is ours.
    """

    rule: Rule
    firing: datetime
    task: Task

    @property
    def key(self) -> str:
        """That of its claim."""
        return key_of(SCOPE, self.rule.key, self.firing.isoformat())

    @property
    def claim(self) -> Claim:
        """Its claim."""
        return Claim(self.key, self.rule.topic, encode_task(self.task))


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
        self._known: frozenset[str] = frozenset()
        self._due: list[Due] = []

    @contextlib.contextmanager
    def opened(self, ctx: TaskmasterContext) -> Iterator[None]:
        """`with` it, the store is open."""
        self._ctx = ctx
        self._outbox = Outbox(ctx, self._store)
        self._look = ctx.clock.monotonic()
        try:
            yield
            self._flush()
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
        """Write how far new rules are done; where others have begun, go on from there.

        So no firing is one instance's alone, and lost when that one is killed.
        """
        new = [it for it in agenda.entries if it.rule.key not in self._known]
        moments = {it.rule.key: (it.done.timestamp(), str(it.rule)) for it in new}
        begin = partial(self._store.progress.begin_all, SCOPE, moments)
        agenda.begin(_moments(self._outbox.insist(begin)))

    def load(self) -> Mapping[str, datetime]:
        """Return how far rules are done, by whoever did it."""
        done = self._outbox.insist(lambda: self._store.progress.load(SCOPE))
        self._known = frozenset(done)
        return {**self._before, **_moments(done)}

    def behind(self, agenda: Agenda) -> bool:
        """Be as far as the others are; look once a second when much is late."""
        now = self._ctx.clock.monotonic()
        if now < self._look:
            return False
        self._look = now + LOOK_EVERY
        agenda.catch_up(self.load())
        return True

    def restarted(self, entries: Sequence[tuple[Entry, datetime]]) -> None:
        """Put rules back that nobody else has put back."""
        self._flush()
        for entry, before in entries:
            change = (entry.rule.key, before.timestamp(), entry.done.timestamp())
            self._outbox.insist(partial(self._store.progress.put_back, SCOPE, *change))

    def passed(self, entry: Entry) -> None:
        """Write how far a rule is done, unless others are further."""
        self._flush()  # what is before that first
        self._advance({entry.rule.key: (entry.rule, entry.done)})

    def fire(self, agenda: Agenda, entry: Entry, firing: datetime, task: Task) -> None:
        """Claim the firing, with others of this moment."""
        self._due.append(Due(entry.rule, firing, task))
        agenda.done(firing)
        if len(self._due) >= AT_ONCE:
            self._flush()

    def rest(self, agenda: Agenda, seconds: float) -> float:
        """Send what is due, and what others have left."""
        self._flush()
        self._outbox.take_over()
        return self._outbox.left(seconds)

    def _flush(self) -> None:
        """Claim what is due, and send what is ours of it."""
        due, self._due = self._due, []
        if not due:
            return
        ours = self._outbox.send_from(lambda: self._claim(due))
        refused = self._outbox.refused
        for one, mine in zip(due, ours, strict=True):
            if mine and one.key not in refused:
                self._ctx.log.info("%s fired: %s", one.rule, one.task.info)

    def _claim(self, due: Sequence[Due]) -> Sequence[Claim]:
        self._write({one.rule.key: (one.rule, one.firing) for one in due})
        return [one.claim for one in due]

    def _advance(self, moments: Moments) -> None:
        self._outbox.insist(lambda: self._write(moments))

    def _write(self, moments: Moments) -> None:
        done = {key: (it.timestamp(), str(rule)) for key, (rule, it) in moments.items()}
        self._store.progress.advance_all(SCOPE, done)


def _moments(done: Mapping[str, float]) -> dict[str, datetime]:
    """Return what the store keeps, as moments in UTC."""
    return {key: datetime.fromtimestamp(it, UTC) for key, it in done.items()}
