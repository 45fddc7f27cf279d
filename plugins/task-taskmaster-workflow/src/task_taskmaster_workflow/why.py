"""Why a phase has not run: what it waits for, as the store knows it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from task_core.api import Task, UsageError, decode_task
from task_taskmaster_workflow.forecast import next_firings
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.making import values_of
from task_taskmaster_workflow.phase import NUMBER, On, Phase, job_of
from task_taskmaster_workflow.read import Workflow
from task_taskmaster_workflow.running import Running
from task_taskmaster_workflow.there import missing_of

if TYPE_CHECKING:  # a library that takes long to load
    from task_store import Store
    from task_store.join_rows import Waiting

SHOWN = 5
"""Tasks that are not done, of which a few say enough."""


def why(store: "Store", workflow: Workflow, phase: Phase, id: str) -> list[str]:
    """Return what a phase waits for, or when it was sent; one line each.

    Args:
        store: Of the taskmaster.
        workflow, phase: Which.
        id: Of the run: of a task before it, or of its own.

    Raises:
        UsageError: Nothing is known of the id.
    """
    run = Run(store, workflow, id)
    sent = [*_sends(run, phase)]
    waits = [line for it in run.waiting(phase) for line in _join(phase, it)]
    found = [*_rests(store, phase), *_runs(store, phase), *sent, *waits]
    if not sent:
        found += _complete(run, phase)
    if found:
        return found
    plainly = _plainly(workflow, phase)
    if not run.known:
        text = f"{store.name}: nothing is known of id {id!r}"
        raise UsageError(f"{text}; {plainly[0]}")
    if len(phase.parents) > 1:
        plainly[0] += "; none of this id has arrived"
    return plainly


class Run:
    """What the store knows of an id.

    Args:
        store: Where to look.
        workflow: Which file the id is looked for in.
        id: Of a task, or what tasks of a join have in common.
    """

    def __init__(self, store: "Store", workflow: Workflow, id: str) -> None:
        self._store = store
        self._workflow = workflow.name
        self._id = id
        text = json.dumps(id, ensure_ascii=False)[1:-1].encode()
        self.claims = [
            (it, task)
            for it in store.claims.holding(text)
            if self._is_meant(task := decode_task(it.claim.body))
        ]
        self._arrived = [
            it
            for it in store.joins.holding(text)
            if it.workflow == self._workflow and decode_task(it.body).id == id
        ]
        self._planned = any(
            self._is_meant(decode_task(it.body)) for it in store.plans.holding(text)
        )

    def _is_meant(self, task: Task) -> bool:
        meta = values_of(task.meta)
        is_here = meta.get("workflow") == self._workflow
        return is_here and self._id in (task.id, *meta.get("parents", "").split(","))

    @property
    def known(self) -> bool:
        """Whether a task of it was claimed, was planned, or has arrived somewhere."""
        return bool(self.claims or self._arrived or self._planned)

    def waiting(self, phase: Phase) -> list["Waiting"]:
        """Return the joins of a phase that are not complete."""
        keys = {it.key for it in self._arrived if it.phase == phase.key}
        return [
            it
            for it in self._store.joins.waiting(self._workflow)
            if it.phase == phase.key and (it.key in keys or it.key == self._id)
        ]

    def complete(self, phase: Phase) -> dict[str, float]:
        """Return when joins of a phase were complete, by what belongs together."""
        return {
            it.key: it.fired
            for it in self._arrived
            if it.phase == phase.key and it.fired is not None
        }


def _rests(store: "Store", phase: Phase) -> list[str]:
    pause = store.pauses.all().get(phase.pause)
    if pause is None:
        return []
    by = f" by {pause.who}" if pause.who else ""
    note = f": {pause.note}" if pause.note else ""
    return [f"{phase} rests since {_shown(pause.since)}{by}{note}"]


def _runs(store: "Store", phase: Phase) -> list[str]:
    """Return which tasks its next firing waits for, or is left out for."""
    return [
        f"{phase} does not fire until its task {id_}, sent at {_shown(since)}, is done"
        for id_, since in [*Running(store).since(phase).items()][:SHOWN]
    ]


def _sends(run: Run, phase: Phase) -> Iterator[str]:
    """Tell of tasks of the phase that were sent; or are claimed, as retries are."""
    for held, task in run.claims:
        meta = values_of(task.meta)
        is_of_phase = not phase.job or job_of(task, meta) == phase.job
        is_of_phase &= meta.get(NUMBER, "1") == str(phase.ordinal + 1)
        if held.claim.topic != phase.type or task.result or not is_of_phase:
            continue
        tries = meta.get("retry")
        count = f", retry {tries} of {phase.retry}" if tries else ""
        if held.sent is not None:
            info = f": {task.info}" if task.info else ""
            yield f"{phase} was sent at {_shown(held.sent)}{count}{info}"
        else:
            due = held.claim.due
            when = f"at {_shown(due)}" if due else "as soon as it can be"
            yield f"{phase} is sent {when}{count}"


def _complete(run: Run, phase: Phase) -> Iterator[str]:
    """Tell of joins to which all have come, although nothing was sent."""
    for key, fired in run.complete(phase).items():
        all_of = ", ".join(phase.parents)
        text = f"all of {key} had arrived at {_shown(fired)}"
        yield f"{phase} follows {all_of}: {text}, and nothing of it is sent"
        if phase.require:
            yield f"  their meta must have {', '.join(phase.require)}"


def _join(phase: Phase, waiting: "Waiting") -> list[str]:
    missing = missing_of(phase, waiting.parents)
    since = _shown(waiting.since)
    lines = [
        f"{phase} waits for {missing} of {waiting.key}",
        f"  {', '.join(waiting.parents)} arrived, the first at {since}",
    ]
    if waiting.expires:
        lines.append(f"  soon after {_shown(waiting.expires)} that is told as an alert")
    return lines


def _plainly(workflow: Workflow, phase: Phase) -> list[str]:
    """Return what starts a phase at all, when nothing of the run waits for it."""
    lines = []
    if phase.parents:
        results = ", ".join(sorted(phase.on))
        all_of = " and ".join(phase.parents)
        lines.append(f"{phase} follows {all_of} on {results}")
        gone = [ref for ref in phase.parents if not Graph(workflow.phases).meant(ref)]
        lines += [f"  {ref} is no phase of {workflow.name}" for ref in gone]
        if len(phase.parents) == 1:
            lines[0] = f"{phase} follows {all_of} on {results}, as soon as it is done"
    if phase.require:
        lines.append(f"  their meta must have {', '.join(phase.require)}")
    if On.COMPLETE not in phase.on and phase.parents:
        lines.append("  a task that is complete does not start it")
    now = datetime.now(UTC).replace(microsecond=0)
    lines += [f"{phase} fires next at {it}" for it in next_firings(phase, now, 1)]
    return lines or [f"{phase} is only started by hand, by backloads or by files"]


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
