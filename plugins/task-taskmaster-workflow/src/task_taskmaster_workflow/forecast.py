"""What a file will do: the next firings, and all tasks of a date."""

import heapq
from collections.abc import Iterator
from datetime import datetime

import attrs

from task_taskmaster_workflow.firing import (
    Above,
    Draft,
    expand,
    for_date,
    rows_of,
)
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.phase import Phase
from task_taskmaster_workflow.rows import Row


def next_firings(phase: Phase, now: datetime, count: int = 3) -> list[datetime]:
    """Return the next firings of a phase, each in its zone."""
    return [
        moment for _, moment in zip(range(count), firings(phase, now), strict=False)
    ]


def firings(phase: Phase, since: datetime) -> Iterator[datetime]:
    """Yield the firings of a phase after a moment, each once."""
    waiting = [
        (moment, number)
        for number, cron in enumerate(phase.crons)
        if (moment := cron.after(since))
    ]
    heapq.heapify(waiting)
    last = None
    while waiting:
        moment, number = waiting[0]
        if moment != last:
            yield moment.astimezone(phase.crons[number].zone)
        last = moment
        following = phase.crons[number].after(moment)
        if following:
            heapq.heapreplace(waiting, (following, number))
        else:
            heapq.heappop(waiting)


@attrs.frozen(kw_only=True)
class Rehearsed:
    """The tasks that a phase would send for a date, if all before it are done.

    Args:
        phase: Which.
        drafts: Its tasks.
        problem: Why there are none.
    """

    phase: Phase
    drafts: tuple[Draft, ...]
    problem: str = ""


def rehearse(graph: Graph, moment: datetime) -> list[Rehearsed]:
    """Return what each phase would send for a date.

    Keys that only a worker brings stay in braces.
    """
    return [_rehearsed(graph, phase, moment) for phase in graph.phases]


def _rehearsed(graph: Graph, phase: Phase, moment: datetime) -> Rehearsed:
    local = moment.astimezone(phase.zone)
    needed = graph.needed(phase)
    try:
        if phase.parents:
            rows = rows_of(phase.batch) if phase.batch else [{}]
            above = Above(meta=_unknown(graph, phase), needed=needed)
            drafts = expand(phase, [local], rows, above)
        else:
            drafts = for_date(phase, local, needed)
    except ValueError as error:
        return Rehearsed(phase=phase, drafts=(), problem=str(error))
    return Rehearsed(phase=phase, drafts=tuple(drafts))


def _unknown(graph: Graph, phase: Phase) -> Row:
    """Return what is known of the meta above a phase; the rest stays in braces."""
    asked = {key: f"{{meta:{key}}}" for key in phase.asks_for}
    fixed: dict[str, str] = {}
    for above in reversed(graph.ancestors(phase)):
        fixed |= above.meta
    return {**asked, **fixed}
