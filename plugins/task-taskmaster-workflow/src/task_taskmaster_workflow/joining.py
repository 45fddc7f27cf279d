"""Joins in the store: who has arrived, who belongs together, and what follows."""

from collections.abc import Iterable
from itertools import groupby

from task_store import Claim, Store, key_of

from task_core.api import Clock, Task, decode_task, encode_task
from task_taskmaster_workflow.book import Book, Entry
from task_taskmaster_workflow.following import Arrival, Follower, Work
from task_taskmaster_workflow.making import alert, for_parents, identity, joined_meta
from task_taskmaster_workflow.phase import Phase
from task_taskmaster_workflow.there import Parent, There, missing_of, row_of, which_of

OVERDUE_AT_ONCE = 100
"""Joins whose time is over that are told in one transaction."""
AGAIN = 3600.0
"""Seconds until a join is looked at again whose workflow is not there."""


class Joining:
    """Lets parents arrive, within a transaction of the caller.

    A parent that comes again, as one that was delivered twice, changes nothing. One
    that was done anew, under the same key, waits for others anew: its children come
    again when all parents have. Of several that wait the oldest comes first.

    Args:
        store: Where arrivals are.
        follower: Says what to do where it goes wrong.
        clock: Where `created` comes from.
    """

    def __init__(self, store: Store, follower: Follower, clock: Clock) -> None:
        self._store = store
        self._follower = follower
        self._clock = clock

    def begin(self) -> None:
        """Put in order what an older version has written, once at the start."""
        with self._store.transaction():
            self._store.joins.merge_rounds(lambda body: which_of(decode_task(body)))

    def arrive(self, arrivals: Iterable[Arrival], work: Work) -> None:
        """Note arrivals; for those that are the last ones, what follows."""
        ordered = sorted(arrivals, key=lambda it: it.place)
        for _, some in groupby(ordered, key=lambda it: it.place[:2]):
            self._arrive_at([*some], work)

    def _arrive_at(self, arrivals: list[Arrival], work: Work) -> None:
        """Note the arrivals at one phase, whatever their number in few statements."""
        phase, joins = arrivals[0].phase, self._store.joins
        joins.lock(phase.workflow, phase.key)
        parents = [_parent(it) for it in arrivals]
        lasting = phase.join == "run" and arrivals[0].entry.graph.uneven(phase)
        places = [it.place for it in parents]
        known = joins.known(phase.workflow, phase.key, places, fired=lasting)
        there = There(phase, known, lasting=lasting)
        new = [it for it in parents if there.add(it)]
        if not new:
            return
        expires = None
        if phase.join_within is not None:
            expires = self._store.now() + phase.join_within.total_seconds()
        rows = [(*it.place, it.body) for it in new]
        joins.arrive_all(phase.workflow, phase.key, rows, expires)
        full = [*there.complete(new)]
        fired = dict.fromkeys(it.place for found in full for it in found)
        joins.fire_all(phase.workflow, phase.key, fired)
        for found in full:
            tasks = [decode_task(it.body) for it in found]
            self._make(arrivals[0].entry, phase, tasks, work)

    def _make(
        self, entry: Entry, phase: Phase, parents: list[Task], work: Work
    ) -> None:
        meta = joined_meta(parents)
        if not all(meta.get(it) for it in phase.require):
            work.counts["not ready"] += 1
            return
        cause = "\x1f".join(part for it in parents for part in identity(it))
        try:
            work.made.extend(for_parents(entry, phase, parents, cause, self._clock))
        except ValueError as error:
            work.claims.extend(self._follower.trouble(phase, str(error), parents[0]))


def _parent(arrival: Arrival) -> Parent:
    task, body = arrival.task, encode_task(arrival.task)
    row = row_of(arrival.phase, body)
    return Parent(arrival.key, arrival.ref, which_of(task), body, row)


def overdue_alerts(store: Store, book: Book, topic: str, clock: Clock) -> list[Claim]:
    """Return an alert for each of some joins whose time is over: who is missing.

    They are told once, in the transaction of the caller. Those of a workflow that is
    not there now are looked at later: it may come back.
    """
    told, later, found = [], [], []
    for waiting in store.joins.overdue(OVERDUE_AT_ONCE):
        phase = _phase(book, waiting.workflow, waiting.phase)
        if phase is None:
            later.append(waiting)
            continue
        told.append(waiting)
        missing = missing_of(phase, waiting.parents)
        text = f"waits for {missing} of {waiting.key}"
        there = f"{', '.join(waiting.parents)} arrived in time"
        task = alert(phase, f"{text}; {there}", clock, waiting.key)
        parts = (waiting.workflow, waiting.phase, waiting.key, str(waiting.since))
        found.append(Claim(key_of("overdue", *parts), topic, encode_task(task)))
    store.joins.expire(told, None)
    store.joins.expire(later, store.now() + AGAIN)
    return found


def _phase(book: Book, workflow: str, key: str) -> Phase | None:
    entry = book.entry(workflow)
    if entry is None:
        return None
    return next((it for it in entry.workflow.phases if it.key == key), None)
