"""Backloads: which tasks a range of dates makes. It changes nothing.

Commands and services share it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
from task_rules import template as templates
from task_rules.dates import By, count_dates, dates, read_by, read_date
from task_rules.moments import HOUR

from task_core.api import Task, UsageError, format_meta
from task_taskmaster_workflow.backload_notes import bare_end, odd_tokens
from task_taskmaster_workflow.backload_request import Request
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.find import find_phase, is_phase, near
from task_taskmaster_workflow.firing import Above, Draft, expand, rows_of
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.phase import Batch, Phase
from task_taskmaster_workflow.read import Workflow
from task_taskmaster_workflow.rows import Row

_NO_PHASE = ": no file of phases has it, so give a template"
LONGEST = 1_000_000
"""Dates between two ends, before hours and steps leave some out."""


@attrs.frozen(kw_only=True)
class Backload:
    """What a request comes to.

    Args:
        phase: Whose tasks.
        drafts: Each task, in the order in which they are to be sent.
        notes: What was assumed, for people.
        why_empty: Why there is no task, for people; empty when there are some.
    """

    phase: Phase
    drafts: Sequence[Draft]
    notes: Sequence[str]
    why_empty: str = ""

    def tasks(self) -> list[Task]:
        """Make the tasks, each with an id of its own."""
        phase = self.phase
        return [
            Task.new(phase.type, it.info, job=phase.job, meta=format_meta(it.meta))
            for it in self.drafts
        ]


def make_backload(
    request: Request, workflows: Sequence[Workflow], now: datetime
) -> Backload:
    """Return what a request comes to.

    Args:
        request: What is asked for.
        workflows: Where its phase is looked for.
        now: The date when it names none.

    Raises:
        UsageError: Something in it is wrong. No date is ever taken for now, no step
            for a day.
    """
    notes: list[str] = []
    phase, needed = _phase(request, workflows, notes)
    notes.extend(odd_tokens(phase.template))
    try:
        _check_steps(request)
        rows = _rows(request, phase)
        moments = _moments(request, phase, now, notes, len(rows))
        _check_size(len(moments) * len(rows), request)
        _check_meta(phase, rows, request)
        batch = attrs.evolve(phase.batch or Batch(), max_tasks=request.most)
        phase = attrs.evolve(phase, batch=batch)
        drafts = expand(phase, moments, rows, Above(needed=needed))
    except ValueError as error:
        raise UsageError(str(error)) from None
    lack = "" if moments else "the hours that are asked for leave no date of its range"
    if moments and not rows:
        lack = "its file of meta has no rows"
    return Backload(phase=phase, drafts=drafts, notes=notes, why_empty=lack)


def _phase(
    request: Request, workflows: Sequence[Workflow], notes: list[str]
) -> tuple[Phase, frozenset[str]]:
    """Return the phase that is meant, or one that the template makes up."""
    name = f"{request.workflow}/{request.task}" if request.workflow else request.task
    if is_phase(workflows, request.task):
        workflow, phase = find_phase(workflows, name)
        notes.append(f"phase found in {workflow.name}")
        return phase, Graph(workflow.phases).needed(phase)
    if not request.template:
        hint = near(workflows, request.task) or _NO_PHASE
        raise UsageError(f"no template found for {request.task}{hint}")
    return _free(request), frozenset()


def _free(request: Request) -> Phase:
    """Return a phase of no workflow."""
    type_, _, job = request.task.partition(":")
    if not type_ or ":" in job:
        raise UsageError(f"a task is type or type:job, not {request.task!r}")
    plain, _ = read_workflow("", "[[phase]]\ntask = 'x'\nmanual = true\n")
    return attrs.evolve(plain.phases[0], type=type_, job=job, template=request.template)


def _moments(
    request: Request, phase: Phase, now: datetime, notes: list[str], rows: int
) -> list[datetime]:
    zone = phase.zone
    said = {"at": request.at, "from": request.start, "to": request.end}
    read = {key: _date(key, text, zone) for key, text in said.items() if text}
    by = _by(request, notes if len(read) > 1 else [])
    if not read:
        notes.append("no date given: it is about now")
        return [now.astimezone(zone)]
    if "at" in read:
        return [read["at"]]
    start = read.get("from", read.get("to"))
    end = read.get("to", start)
    assert start is not None
    assert end is not None
    if len(read) == 1:
        notes.append(f"only {next(iter(read))} given: it is about one date")
    else:
        notes.extend(bare_end(said, read, by))
    if not (request.on_hours or request.off_hours):
        # Before they are made: who asks for too many must not cost more than others.
        left = range(0, count_dates(start, end, by), request.every)
        _check_size(len(left) * (rows or 1), request)
    found = dates(start, end, by, LONGEST)
    if request.newest and start < end:
        found.reverse()
    return _some(request, found)


def _date(key: str, text: str, zone: Any) -> datetime:
    try:
        return read_date(text, zone)
    except ValueError as error:
        raise ValueError(f"{key} {error}") from None


def _by(request: Request, notes: list[str]) -> By:
    if request.on_hours or request.off_hours or request.every > 1:
        by = request.by or "hour"
    elif not request.by:
        notes.append("no step given: by day")
        by = "day"
    else:
        by = request.by
    try:
        return read_by(by)
    except ValueError as error:
        raise ValueError(f"by {error}") from None


def _check_steps(request: Request) -> None:
    for hour in (*request.on_hours, *request.off_hours):
        if not 0 <= hour <= 23:
            raise ValueError(f"an hour of the day is 0 to 23, not {hour}")
    if request.every < 1:
        raise ValueError(f"every takes a number from 1 on, not {request.every}")


def _some(request: Request, found: list[datetime]) -> list[datetime]:
    """Return those dates that the hours and the step of a request leave."""
    return [
        moment
        for moment in found[:: request.every]
        if (not request.on_hours or moment.hour in request.on_hours)
        and moment.hour not in request.off_hours
    ]


def _rows(request: Request, phase: Phase) -> list[Row]:
    if request.meta and request.meta_file:
        raise ValueError("meta and meta-file cannot both be used")
    if not request.meta and not request.meta_file:
        return rows_of(phase.batch) if phase.batch else [{}]
    own = Batch(
        meta={key: tuple(values) for key, values in request.meta.items()},
        meta_file=request.meta_file,
        product=request.product,
        max_tasks=request.most,
    )
    return rows_of(own)


def _check_size(count: int, request: Request) -> None:
    if count > request.most:
        how = "with --max-tasks" if request.flags else "by 'task backload --max-tasks'"
        text = f"{count} tasks, but at most {request.most} are planned"
        raise ValueError(f"{text}: ask for fewer, or for more {how}")


def _check_meta(phase: Phase, rows: Sequence[Row], request: Request) -> None:
    """Refuse a template with keys that nothing gives: a parent would have."""
    given = {*phase.meta, *(rows[0] if rows else ()), HOUR, "workflow", "job"}
    for key in templates.keys(phase.template):
        if rows and key not in given:
            advice = f"give --meta {key}=..." if request.flags else "give it in meta"
            raise ValueError(f"template asks for {{meta:{key}}}: {advice}")
