"""The file of a batch: the values of its tasks, whichever format it has."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from task_taskmaster_workflow.parquet import ENDING, parquet_rows

Row = Mapping[str, str]
"""Values of one task of a batch."""


def read_rows(path: Path, most: int) -> list[Row]:
    """Read JSON lines, CSV with a header, or Parquet; an empty file has no rows.

    Args:
        path: Of the file; its ending says what it is, JSON lines unless it is known.
        most: How many rows there may be; no more than one beyond is read.

    Raises:
        ValueError: It cannot be read, has something else in it, or too many rows.
    """
    try:
        found = list(islice(_rows(path, most), most + 1))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        formats = "JSON lines, .csv or .parquet"
        raise ValueError(f"{path} is not UTF-8: a file of meta is {formats}") from None
    if len(found) > most:
        raise ValueError(f"{path} has more than {most} rows")
    return found


def _rows(path: Path, most: int) -> Iterator[Row]:
    if path.suffix == ENDING:
        for values in parquet_rows(path, most + 1):
            yield {key: _written(value) for key, value in values.items()}
        return
    with open(path, encoding="utf-8-sig") as lines:
        yield from (_csv if path.suffix == ".csv" else _json)(path, lines)


def _json(path: Path, lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:  # the latter is deeply nested
            raise ValueError(f"{path}, line {number} is no JSON: {error}") from None
        if not isinstance(values, dict):
            excerpt = line.strip()[:60]
            problem = f"{path}, line {number} is no object: {excerpt}"
            raise ValueError(problem)  # noqa: TRY004  a wrong value
        yield {key: _written(value) for key, value in values.items()}


def _csv(path: Path, lines: Iterable[str]) -> Iterator[Row]:
    import csv  # few have such files

    rows = csv.DictReader(lines)
    last = 1  # the header
    try:
        for row in rows:
            if None in row or None in row.values():
                text = "a row has more or fewer values than the header"
                raise ValueError(f"{path}, line {rows.line_num}: {text}")
            last = rows.line_num
            yield dict(row)
    except csv.Error as error:  # is no ValueError; a quote without an end, for one
        text = f"the row that begins in line {last + 1}"
        raise ValueError(f"{path}, {text}: {error}") from None


def _written(value: Any) -> str:
    """Return a value as text: numbers as they are meant, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, bool | list | dict):
        return json.dumps(value, default=_written)
    return _dated(value)


def _dated(value: Any) -> str:
    """Return what only Parquet has: dates as this program reads them, and others."""
    if isinstance(value, date | datetime | time):
        return value.isoformat().replace("+00:00", "Z")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
