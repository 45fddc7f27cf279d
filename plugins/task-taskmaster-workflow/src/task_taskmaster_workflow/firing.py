"""The tasks of an event: what a phase sends for a date, with which meta."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import attrs
from task_rules import template as templates
from task_rules.dates import By, dates
from task_rules.moments import HOUR, hour_text, shifted
from task_rules.names import nearest

from task_taskmaster_workflow.phase import NUMBER, Batch, Phase
from task_taskmaster_workflow.rows import Row, read_rows
from task_taskmaster_workflow.values import RESERVED


@attrs.frozen(kw_only=True)
class Draft:
    """A task that is to be made.

    Args:
        phase: Whose.
        info: Its info.
        meta: Its meta.
        moment: The date that it is about.
        row: Which of a batch it is, from 0.
    """

    phase: Phase
    info: str
    meta: Mapping[str, str]
    moment: datetime | None
    row: int = 0


def at_firing(
    phase: Phase, firing: datetime, needed: frozenset[str] = frozenset()
) -> list[Draft]:
    """Return the tasks of a firing.

    Args:
        phase: Which fires.
        firing: When it is due.
        needed: Keys of meta that its descendants ask for.

    Raises:
        ValueError: There are too many, or its file of meta is wrong.
    """
    return for_date(phase, shifted(firing, phase.offset, phase.zone), needed)


def for_date(
    phase: Phase, moment: datetime, needed: frozenset[str] = frozenset()
) -> list[Draft]:
    """Return the tasks of a phase for a date, as its cron would make them.

    Raises:
        ValueError: There are too many, or its file of meta is wrong.
    """
    batch, above = phase.batch, Above(needed=needed)
    if batch is None:
        return expand(phase, [moment], [{}], above)
    moment = moment.replace(minute=0, second=0, microsecond=0)
    rows = rows_of(batch)
    _check_keys(phase, batch, rows)
    return expand(phase, days(batch, moment), rows, above)


def _check_keys(phase: Phase, batch: Batch, rows: Sequence[Row]) -> None:
    """See that what a template asks for is in the file of a batch.

    Some rows may lack it, as in flowlord's files; if all do, somebody has mistyped it.
    """
    if not (rows and batch.meta_file):
        return
    known = {*RESERVED, *phase.meta}.union(*rows)
    for key in templates.keys(phase.template):
        if key not in known:
            text = f"no row of {batch.meta_file} has {key!r}, which template asks for"
            raise ValueError(f"{phase}: {text}{nearest(key, known)}")


def days(batch: Batch, moment: datetime) -> list[datetime]:
    """Return the dates of a batch that begins, or ends, with a moment.

    Raises:
        ValueError: There are too many, or they lead out of the calendar.
    """
    if batch.length is None:
        return [moment]
    try:
        end = _end(batch, batch.length, moment)
    except OverflowError:
        text = f"the dates of its batch from {moment:%Y-%m-%d} on"
        raise ValueError(f"{text} lead out of the calendar") from None
    return dates(moment, end, batch.by, batch.max_tasks)


def _end(batch: Batch, length: timedelta, moment: datetime) -> datetime:
    if batch.by is not By.HOUR:
        return shifted(moment, length, moment.tzinfo or UTC)
    return (moment.astimezone(UTC) + length).astimezone(moment.tzinfo)


@attrs.frozen(kw_only=True)
class Above:
    """What is above the tasks of an event.

    Args:
        meta: That of the parent, which templates may use.
        needed: Keys of meta that descendants ask for.
        dated: Whether tasks get the meta `cron`.
    """

    meta: Mapping[str, str] = {}
    needed: frozenset[str] = frozenset()
    dated: bool = True


def expand(
    phase: Phase,
    moments: Sequence[datetime | None],
    rows: Sequence[Row],
    above: Above,
) -> list[Draft]:
    """Return a task for each date and each row.

    Args:
        phase: Whose tasks.
        moments: The dates.
        rows: The values of each; one that is empty for a single task.
        above: What is above them.

    Raises:
        ValueError: There are too many.
    """
    most = phase.batch.max_tasks if phase.batch else Batch().max_tasks
    if (count := len(moments) * len(rows)) > most:
        raise ValueError(f"{phase}: {count} tasks at once, but max_tasks is {most}")
    events = ((moment, row) for moment in moments for row in rows)
    return [_draft(phase, *event, number, above) for number, event in enumerate(events)]


def _draft(
    phase: Phase, moment: datetime | None, row: Row, number: int, above: Above
) -> Draft:
    goes_down = {*above.needed, *phase.keep}
    fixed = {"workflow": phase.workflow} if phase.workflow else {}
    if phase.job:
        fixed["job"] = phase.job
    if moment is not None and above.dated:
        fixed[HOUR] = hour_text(moment)
    if phase.ordinal:
        fixed[NUMBER] = str(phase.ordinal + 1)
    values = {**above.meta, **phase.meta, **row, **fixed}
    inherited = {key: above.meta[key] for key in goes_down if above.meta.get(key)}
    asked = {*templates.keys(phase.template), *goes_down} if row else ()
    own = {key: value for key, value in row.items() if key in asked}
    return Draft(
        phase=phase,
        info=templates.expand(phase.template, moment, values),
        meta={**inherited, **phase.meta, **own, **fixed},
        moment=moment,
        row=number,
    )


def rows_of(batch: Batch) -> list[Row]:
    """Return the values of each task of a batch; one that is empty without any.

    Raises:
        ValueError: Its file cannot be read, or is wrong, or has too many rows.
    """
    if batch.meta_file:
        return read_rows(Path(batch.meta_file), batch.max_tasks)
    if not batch.meta:
        return [{}]
    if batch.product:
        return [
            dict(zip(batch.meta, values, strict=True))
            for values in product(*batch.meta.values())
        ]
    if batch.mismatch:
        raise ValueError(batch.mismatch)
    return [
        dict(zip(batch.meta, values, strict=True))
        for values in zip(*batch.meta.values(), strict=True)
    ]
