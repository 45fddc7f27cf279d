"""Why a phase has not run: what it waits for, as the store knows it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from task_core.api import decode_task
from task_taskmaster_workflow.forecast import next_firings
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.making import values_of
from task_taskmaster_workflow.phase import On, Phase, job_of
from task_taskmaster_workflow.read import Workflow

if TYPE_CHECKING:  # a library that takes long to load
    from task_store import Store
    from task_store.joins import Waiting


def why(store: "Store", workflow: Workflow, phase: Phase, id: str) -> list[str]:
    """Return what a phase waits for, one line each.

    Args:
        store: Of the taskmaster.
        workflow, phase: Which.
        id: Of the run: of a task before it.
    """
    found = [*_rests(store, phase), *_runs_again(store, phase, id)]
    found += [
        line
        for waiting in store.joins.waiting(workflow.name)
        if waiting.phase == phase.key and _concerns(store, waiting, id)
        for line in _join(phase, waiting)
    ]
    return found or _plainly(workflow, phase)


def _rests(store: "Store", phase: Phase) -> list[str]:
    pause = store.pauses.all().get(phase.pause)
    if pause is None:
        return []
    by = f" by {pause.who}" if pause.who else ""
    note = f": {pause.note}" if pause.note else ""
    return [f"{phase} rests since {_shown(pause.since)}{by}{note}"]


def _runs_again(store: "Store", phase: Phase, id: str) -> Iterator[str]:
    """Tell of tasks of the phase that are claimed and not sent: retries, mostly."""
    for claim in store.claims.waiting(phase.type):
        task = decode_task(claim.body)
        if task.id != id or (
            phase.job and job_of(task, values_of(task.meta)) != phase.job
        ):
            continue
        tries = values_of(task.meta).get("retry")
        when = f"at {_shown(claim.due)}" if claim.due else "as soon as it can be"
        count = f", retry {tries} of {phase.retry}" if tries else ""
        yield f"{phase} is sent {when}{count}"


def _concerns(store: "Store", waiting: "Waiting", id: str) -> bool:
    """Whether a task of that id has arrived at a join, or is named by its key."""
    there = store.joins.arrived(waiting.workflow, waiting.phase, waiting.key)
    return waiting.key == id or any(
        decode_task(body).id == id for body in there.values()
    )


def _join(phase: Phase, waiting: "Waiting") -> list[str]:
    missing = [ref for ref in phase.parents if ref not in waiting.parents]
    since = _shown(waiting.since)
    lines = [
        f"{phase} waits for {', '.join(missing)} of {waiting.key}",
        f"  {', '.join(waiting.parents)} arrived, the first at {since}",
    ]
    if waiting.expires:
        lines.append(f"  at {_shown(waiting.expires)} that is told as an alert")
    return lines


def _plainly(workflow: Workflow, phase: Phase) -> list[str]:
    """Return what starts a phase at all, when nothing of the run waits for it."""
    lines = []
    if phase.parents:
        results = ", ".join(sorted(phase.on))
        all_of = " and ".join(phase.parents)
        lines.append(f"{phase} follows {all_of} on {results}; none of them has arrived")
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
