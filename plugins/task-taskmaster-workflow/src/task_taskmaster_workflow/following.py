"""What done tasks come to: children, retries, arrivals at joins."""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import attrs
from task_rules import template as templates
from task_rules.info_dates import task_time
from task_rules.moments import HOUR, hour_text
from task_store import Claim, key_of

from task_core.api import (
    Clock,
    Result,
    Task,
    encode_task,
    format_duration,
    format_meta,
    parse_meta,
)
from task_taskmaster_workflow.book import Book, Entry
from task_taskmaster_workflow.making import (
    Made,
    alert,
    deadline_key,
    for_parent,
    identity,
    values_of,
)
from task_taskmaster_workflow.phase import NUMBER, On, Phase, job_of

JITTER = 0.4
"""The most that is added to the delay of a retry, as a part of it."""
RESULTS: Mapping[str, frozenset[On]] = {
    Result.COMPLETE.value: frozenset({On.COMPLETE, On.ANY}),
    Result.WARN.value: frozenset({On.WARN, On.ANY}),
    Result.ERROR.value: frozenset({On.ERROR, On.ANY}),
    Result.ALERT.value: frozenset({On.ERROR, On.ANY}),
}
"""Which phases follow a result."""


@attrs.frozen(kw_only=True)
class Arrival:
    """A parent that has arrived at a join.

    Args:
        entry, phase: Where.
        key: Which tasks belong together.
        ref: The parent that it is, as `dependsOn` names it.
        task: The done task.
    """

    entry: Entry
    phase: Phase
    key: str
    ref: str
    task: Task

    @property
    def place(self) -> tuple[str, str, str, str]:
        """In this order joins are looked at: no two instances wait in a circle."""
        return (self.phase.workflow, self.phase.key, self.key, self.ref)


@attrs.frozen(kw_only=True)
class Work:
    """What done tasks come to.

    Args:
        made: Tasks of phases that follow.
        claims: What else is to be sent: retries, failures, alerts.
        arrivals: Parents of joins.
        over: Keys of deadlines that are kept.
        ended: Tasks of phases of which one is to run at a time.
        complete: When a task of a phase was complete last, by workflow and name.
        counts: What there was, for people.
    """

    made: list[Made] = attrs.Factory(list)
    claims: list[Claim] = attrs.Factory(list)
    arrivals: list[Arrival] = attrs.Factory(list)
    over: list[str] = attrs.Factory(list)
    ended: list[tuple[Phase, str]] = attrs.Factory(list)
    complete: dict[tuple[str, str], str] = attrs.Factory(dict)
    counts: Counter[str] = attrs.Factory(Counter)


@attrs.frozen(kw_only=True)
class Topics:
    """Where other things than tasks of phases go; nowhere when empty.

    Args:
        failed: Tasks that failed for good.
        alerts: What people should look at.
    """

    failed: str
    alerts: str


class Follower:
    """Finds out what done tasks come to; changes nothing.

    Args:
        topics: Where things go.
        clock: Where `created` comes from.
    """

    def __init__(self, topics: Topics, clock: Clock) -> None:
        self._topics = topics
        self._clock = clock

    def look(self, book: Book, task: Task, now: float, work: Work) -> None:
        """Note what a done task comes to.

        Args:
            book: The workflows in force.
            task: The done task.
            now: The time of the store.
            work: Where to note it.
        """
        meta = values_of(task.meta)
        entry = book.entry(meta.get("workflow", ""))
        if entry is None:
            word = "unknown workflow" if "workflow" in meta else "no workflow"
            work.counts[word] += 1
            return
        if task.result not in RESULTS:
            work.counts["unknown result"] += 1
            return
        work.counts[task.result] += 1
        phase = entry.phase(task.type, job_of(task, meta), meta.get(NUMBER, ""))
        if phase is not None:
            if task.result == Result.ERROR.value and self._fails(
                phase, task, now, work
            ):
                return
            self._end(phase, task, work)
        self._follow(entry, task, meta, work)

    def _end(self, phase: Phase, task: Task, work: Work) -> None:
        if task.result == Result.COMPLETE.value:
            work.complete[phase.workflow, phase.name] = task.ended
        if phase.deadline is not None:
            work.over.append(deadline_key(phase, task))
        if phase.crons:
            work.ended.append((phase, task.id))

    def _fails(self, phase: Phase, task: Task, now: float, work: Work) -> bool:
        """Note a retry, or that there is none left; return whether it goes on."""
        meta = parse_meta(task.meta)
        tries = _number(meta.get("retry", ["0"])[0], phase.retry)
        if tries < phase.retry:
            work.claims.append(self._retry(phase, task, meta, tries, now))
            work.counts["retried"] += 1
            return True
        if self._topics.failed:
            meta |= {"retry": ["failed"], "retried": [str(phase.retry)]}
            key = key_of("failed", phase.workflow, phase.key, *identity(task))
            failed = encode_task(_changed(task, meta=format_meta(meta)))
            work.claims.append(Claim(key, self._topics.failed, failed))
        work.counts["failed"] += 1
        return False

    def _retry(
        self,
        phase: Phase,
        task: Task,
        meta: dict[str, list[str]],
        tries: int,
        now: float,
    ) -> Claim:
        delay = min(phase.retry_delay * 2 ** min(tries, 30), phase.retry_max)
        delay *= 1 + random.random() * JITTER
        delay -= timedelta(microseconds=delay.microseconds % 1000)
        meta = {**meta, "retry": [str(tries + 1)], "delayed": [format_duration(delay)]}
        again = Task.new(
            task.type,
            task.info,
            job=task.job or phase.job,
            meta=format_meta(meta),
            id=task.id or None,
            clock=self._clock,
        )
        # All may happen within a second, so that `created` is the same each time.
        cause = (*identity(task), str(tries))
        key = key_of("retry", phase.workflow, phase.key, *cause)
        due = now + delay.total_seconds()
        return Claim(key, phase.type, encode_task(again), due)

    def _follow(
        self, entry: Entry, task: Task, meta: Mapping[str, str], work: Work
    ) -> None:
        followers = entry.followers(task.type, job_of(task, meta))
        if not followers:
            work.counts["no follower"] += 1
        for phase, ref in followers:
            if phase.on.isdisjoint(RESULTS[task.result]):
                continue
            if len(phase.parents) > 1:
                self._arrive(entry, phase, ref, task, meta, work)
            elif not all(meta.get(key) for key in phase.require):
                work.counts["not ready"] += 1
            else:
                self._make(entry, phase, task, meta, work)

    def _make(
        self,
        entry: Entry,
        phase: Phase,
        task: Task,
        meta: Mapping[str, str],
        work: Work,
    ) -> None:
        """Note the tasks that follow; a batch that goes wrong harms no sibling."""
        try:
            work.made.extend(for_parent(entry, phase, task, meta, self._clock))
        except ValueError as error:
            work.claims.extend(self.trouble(phase, str(error), task))
            work.counts["batch went wrong"] += 1

    def trouble(self, phase: Phase, text: str, cause: Task) -> list[Claim]:
        """Return the alert that a phase could not follow a task."""
        if not self._topics.alerts:
            return []
        told = encode_task(alert(phase, text, self._clock, cause.info, cause.id))
        key = key_of("trouble", phase.workflow, phase.key, *identity(cause))
        return [Claim(key, self._topics.alerts, told)]

    def _arrive(
        self,
        entry: Entry,
        phase: Phase,
        ref: str,
        task: Task,
        meta: Mapping[str, str],
        work: Work,
    ) -> None:
        key = join_key(phase, task, meta)
        if not key:
            text = f"has nothing to join by: {phase.join} of it is empty"
            work.claims.extend(self.trouble(phase, f"{task.type} {text}", task))
            work.counts["nothing to join by"] += 1
            return
        work.arrivals.append(
            Arrival(entry=entry, phase=phase, key=key, ref=ref, task=task)
        )


def join_key(phase: Phase, task: Task, meta: Mapping[str, str]) -> str:
    """Return which tasks a task belongs together with; empty when that is not known."""
    if phase.join == "run":
        return task.id
    moment = task_time(meta, task.info)
    if phase.join == "time":
        return meta.get(HOUR) or (hour_text(moment) if moment else "")
    return templates.expand(phase.join, moment, meta)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() else otherwise


def _changed(task: Task, *, meta: str) -> Task:
    return Task(
        type=task.type,
        job=task.job,
        info=task.info,
        created=task.created,
        id=task.id,
        meta=meta,
        result=task.result,
        msg=task.msg,
        started=task.started,
        ended=task.ended,
    )
