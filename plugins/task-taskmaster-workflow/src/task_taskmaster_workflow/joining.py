"""Joins in the store: who has arrived, in which round, and what follows."""

from collections.abc import Iterator

from task_store import Claim, Store, key_of

from task_core.api import Clock, Task, decode_task, encode_task
from task_taskmaster_workflow.book import Book
from task_taskmaster_workflow.following import Arrival, Follower, Work
from task_taskmaster_workflow.making import alert, for_parents, identity, joined_meta
from task_taskmaster_workflow.phase import Phase

ROUNDS = 1000
"""How often the same parent may come anew under one key."""
FORGOTTEN = 30 * 86400.0
"""Seconds after which a join that never got complete is forgotten."""


class Joining:
    """Lets parents arrive, within a transaction of the caller.

    A parent that comes again, as one that was delivered twice, changes nothing. One
    that was done anew, under the same key, is for the next round: its children come
    again when all parents have.

    Args:
        store: Where arrivals are.
        follower: Says what to do where it goes wrong.
        clock: Where `created` comes from.
    """

    def __init__(self, store: Store, follower: Follower, clock: Clock) -> None:
        self._store = store
        self._follower = follower
        self._clock = clock

    def arrive(self, arrival: Arrival, work: Work) -> None:
        """Note an arrival; when it is the last one, what follows."""
        phase, joins = arrival.phase, self._store.joins
        expires = None
        if phase.join_within is not None:
            expires = self._store.now() + phase.join_within.total_seconds()
        for key in _rounds(arrival.key):
            there = joins.arrived(phase.workflow, phase.key, key)
            before = there.get(arrival.ref)
            if before is not None and _same(before, arrival.task):
                return
            if before is None:
                there = joins.arrive(
                    phase.workflow,
                    phase.key,
                    key,
                    arrival.ref,
                    encode_task(arrival.task),
                    expires,
                )
                if all(ref in there for ref in phase.parents):
                    self._complete(arrival, key, there, work)
                return

    def _complete(
        self, arrival: Arrival, key: str, there: dict[str, bytes], work: Work
    ) -> None:
        phase = arrival.phase
        self._store.joins.fire(phase.workflow, phase.key, key)
        parents = [decode_task(there[ref]) for ref in phase.parents]
        meta = joined_meta(parents)
        if not all(meta.get(it) for it in phase.require):
            work.counts["not ready"] += 1
            return
        cause = "\x1f".join(part for it in parents for part in identity(it))
        try:
            made = for_parents(arrival.entry, phase, parents, cause, self._clock)
            work.made.extend(made)
        except ValueError as error:
            work.claims.extend(self._follower.trouble(phase, str(error), arrival.task))


def _rounds(key: str) -> Iterator[str]:
    yield key
    for number in range(2, ROUNDS):
        yield f"{key} (round {number})"


def _same(body: bytes, task: Task) -> bool:
    return identity(decode_task(body)) == identity(task)


def overdue_alerts(store: Store, book: Book, topic: str, clock: Clock) -> list[Claim]:
    """Return an alert for each join whose time is over: who is missing.

    They come again at each look; their keys do not.
    """
    found = []
    now = store.now()
    for waiting in store.joins.waiting():
        phase = _phase(book, waiting.workflow, waiting.phase)
        if now - waiting.since > FORGOTTEN:
            store.joins.drop(waiting.workflow, waiting.phase, waiting.key)
        elif phase and waiting.expires and waiting.expires <= now:
            missing = [ref for ref in phase.parents if ref not in waiting.parents]
            text = f"waits for {', '.join(missing)} of {waiting.key}"
            there = f"{', '.join(waiting.parents)} arrived in time"
            task = alert(phase, f"{text}; {there}", clock, waiting.key)
            parts = (waiting.workflow, waiting.phase, waiting.key, str(waiting.since))
            found.append(Claim(key_of("overdue", *parts), topic, encode_task(task)))
    return found


def _phase(book: Book, workflow: str, key: str) -> Phase | None:
    entry = book.entry(workflow)
    if entry is None:
        return None
    return next((it for it in entry.workflow.phases if it.key == key), None)
