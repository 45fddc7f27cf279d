"""Rows of a Parquet file, read by DuckDB, which only those need who have such files."""

from collections.abc import Iterator
from datetime import UTC
from glob import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ENDING = ".parquet"
SETTINGS = {
    "threads": "1",  # few rows are wanted, and other threads have work
    "autoinstall_known_extensions": "false",  # nothing is downloaded, ever
    "autoload_known_extensions": "false",
}
FILE = "read_parquet(?, binary_as_string = true, hive_partitioning = false)"
"""The columns of the file alone; some writers do not mark their texts as such."""
ZONED = "TIMESTAMP WITH TIME ZONE"
ADVICE = (
    "is Parquet, which takes DuckDB: pip install 'task-taskmaster-workflow[parquet]'"
)


def cannot_be_read(path: Path) -> bool:
    """Whether a file takes what is not installed here; it need not be there yet."""
    return path.suffix == ENDING and find_spec("duckdb") is None


def parquet_rows(path: Path, most: int) -> Iterator[dict[str, Any]]:
    """Return the first rows of a file; what comes after them is not read.

    Args:
        path: Of the file.
        most: How many are read.

    Raises:
        ValueError: It is no Parquet file, or DuckDB is not installed.
        OSError: It cannot be opened.
    """
    with open(path, "rb"):
        pass  # for the words of the system, which DuckDB replaces by its own
    duckdb = _duckdb(path)
    try:
        with duckdb.connect(":memory:", config=SETTINGS) as reader:
            yield from _read(reader, escape(str(path)), most)
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"cannot read {path} as Parquet: {reason}") from None


def _duckdb(path: Path) -> Any:
    try:
        import duckdb  # an extra, and 0.2 s that few starts need
    except ImportError:
        raise ValueError(f"{path} {ADVICE}") from None
    return duckdb


def _read(reader: Any, path: str, most: int) -> Iterator[dict[str, Any]]:
    columns = reader.execute(f"DESCRIBE FROM {FILE}", [path]).fetchall()
    kinds = {name: kind for name, kind, *_ in columns}
    wanted = ", ".join(_column(name, kind) for name, kind in kinds.items())
    found = reader.execute(f"SELECT {wanted} FROM {FILE} LIMIT {most:d}", [path])
    zoned = [name for name, kind in kinds.items() if kind == ZONED]
    for values in found.fetchall():
        row = dict(zip(kinds, values, strict=True))
        for name in zoned:
            row[name] = row[name] and row[name].replace(tzinfo=UTC)
        yield row


def _column(name: str, kind: str) -> str:
    """Return what selects a column: moments in UTC, and not where the machine is."""
    quoted = '"' + name.replace('"', '""') + '"'
    return f"make_timestamp(epoch_us({quoted}))" if kind == ZONED else quoted
