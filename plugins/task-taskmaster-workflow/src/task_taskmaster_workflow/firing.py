"""The tasks of an event: what a phase sends for a date, with which meta."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import attrs
from task_rules import template as templates
from task_rules.dates import By, dates
from task_rules.moments import HOUR, hour_text, shifted

from task_taskmaster_workflow.phase import Batch, Phase

Row = Mapping[str, str]
"""Values of one task of a batch."""


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
    return expand(phase, days(batch, moment), rows_of(batch), above)


def days(batch: Batch, moment: datetime) -> list[datetime]:
    """Return the dates of a batch that begins, or ends, with a moment.

    Raises:
        ValueError: There are too many.
    """
    if batch.length is None:
        return [moment]
    end = (moment.astimezone(UTC) + batch.length).astimezone(moment.tzinfo)
    if batch.by is not By.HOUR:
        end = shifted(moment, batch.length, moment.tzinfo or UTC)
    return dates(moment, end, batch.by, batch.max_tasks)


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
    counts = {len(values) for values in batch.meta.values()}
    if len(counts) > 1:
        raise ValueError(f"meta has unequal lengths: {sorted(counts)}")
    return [
        dict(zip(batch.meta, values, strict=True))
        for values in zip(*batch.meta.values(), strict=True)
    ]


def read_rows(path: Path, most: int) -> list[Row]:
    """Read JSON lines, or CSV with a header, into rows; an empty file has none.

    Raises:
        ValueError: It cannot be read, has something else in it, or too many rows.
    """
    try:
        with open(path, encoding="utf-8-sig") as lines:
            found: list[Row] = []
            for row in _rows(path, lines):
                found.append(row)
                if len(found) > most:
                    raise ValueError(f"{path} has more than {most} rows")
            return found
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None


def _rows(path: Path, lines: Iterable[str]) -> Iterator[Row]:
    if path.suffix == ".csv":
        yield from _csv(path, lines)
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}, line {number} is no JSON: {error}") from None
        if not isinstance(values, dict):
            excerpt = line.strip()[:60]
            problem = f"{path}, line {number} is no object: {excerpt}"
            raise ValueError(problem)  # noqa: TRY004  a wrong value
        yield {key: _written(value) for key, value in values.items()}


def _csv(path: Path, lines: Iterable[str]) -> Iterator[Row]:
    import csv

    for row in csv.DictReader(lines):
        if None in row or None in row.values():
            raise ValueError(f"{path}: a row has more or fewer values than the header")
        yield dict(row)


def _written(value: Any) -> str:
    """Return a JSON value as text: numbers as they are meant, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value)
