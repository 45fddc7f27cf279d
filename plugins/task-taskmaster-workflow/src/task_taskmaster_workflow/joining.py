"""Joins in the store: who has arrived, in which round, and what follows."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from task_store import Claim, Store, key_of

from task_core.api import Clock, Task, decode_task, encode_task
from task_taskmaster_workflow.book import Book, Entry
from task_taskmaster_workflow.following import Arrival, Follower, Work
from task_taskmaster_workflow.making import alert, for_parents, identity, joined_meta
from task_taskmaster_workflow.phase import Phase

ROUNDS = 1000
"""How often the same parent may come anew under one key."""
OVERDUE_AT_ONCE = 100
"""Joins whose time is over that are told in one transaction."""
AGAIN = 3600.0
"""Seconds until a join is looked at again whose workflow is not there."""


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

    def arrive(self, arrivals: Iterable[Arrival], work: Work) -> None:
        """Note arrivals; for those that are the last ones, what follows."""
        ordered = sorted(arrivals, key=lambda it: it.place)
        for _, some in groupby(ordered, key=lambda it: it.place[:2]):
            self._arrive_at([*some], work)

    def _arrive_at(self, arrivals: list[Arrival], work: Work) -> None:
        """Note the arrivals at one phase: round by round, each with few statements."""
        phase, joins = arrivals[0].phase, self._store.joins
        joins.lock(phase.workflow, phase.key)
        expires = None
        if phase.join_within is not None:
            expires = self._store.now() + phase.join_within.total_seconds()
        for number in range(1, ROUNDS):
            keys = {_round(it.key, number) for it in arrivals}
            there = joins.arrived_at(phase.workflow, phase.key, keys)
            new, later = _sorted_out(arrivals, there, number)
            if new:
                rows = [(key, ref, there[key][ref]) for key, ref in new]
                joins.arrive_all(phase.workflow, phase.key, rows, expires)
                self._complete(arrivals[0], {key for key, _ in new}, there, work)
            if not later:
                return
            arrivals = later

    def _complete(
        self,
        arrival: Arrival,
        keys: Iterable[str],
        there: Mapping[str, Mapping[str, bytes]],
        work: Work,
    ) -> None:
        """Note the tasks of those joins to which all parents have come."""
        phase = arrival.phase
        full = [key for key in sorted(keys) if {*phase.parents} <= there[key].keys()]
        if full:
            self._store.joins.fire_all(phase.workflow, phase.key, full)
        for key in full:
            parents = [decode_task(there[key][ref]) for ref in phase.parents]
            self._make(arrival.entry, phase, parents, work)

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


def _sorted_out(
    arrivals: Iterable[Arrival], there: dict[str, dict[str, bytes]], number: int
) -> tuple[list[tuple[str, str]], list[Arrival]]:
    """Return who is new in a round, and who is for a later one; the rest came twice.

    Args:
        arrivals: Who arrives.
        there: Who has arrived, by key and name; who is new is put in.
        number: Of the round.
    """
    new, later = [], []
    for it in arrivals:
        key = _round(it.key, number)
        before = there[key].get(it.ref)
        if before is None:
            there[key][it.ref] = encode_task(it.task)
            new.append((key, it.ref))
        elif identity(decode_task(before)) != identity(it.task):
            later.append(it)
    return new, later


def _round(key: str, number: int) -> str:
    return key if number == 1 else f"{key} (round {number})"


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
        missing = [ref for ref in phase.parents if ref not in waiting.parents]
        text = f"waits for {', '.join(missing)} of {waiting.key}"
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
