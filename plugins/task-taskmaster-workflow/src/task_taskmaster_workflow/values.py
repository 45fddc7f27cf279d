"""Values of a phase, each from what TOML has; a `ValueError` fits behind their key."""

import contextlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Any

from task_rules.missed import Missed
from task_rules.moments import HOUR, read_length
from task_rules.names import nearest
from task_rules.schedule import read_schedule, read_zone, split_zone
from task_rules.table import (
    filled,
    flag,
    mapping,
    one_of,
    scalar,
    scalars,
    text,
    texts,
    whole,
)

from task_taskmaster_workflow.phase import NUMBER, ROW, Cron, On, Overlap

RESERVED = (
    *("workflow", "job", HOUR, "parents", "retry", "retried", "delayed"),
    *(ROW, NUMBER),
)
"""Keys of meta that the taskmaster itself writes."""
_KEY = re.compile(r"\w+")


def read_cron(written: str, zone: tzinfo) -> Cron:
    """Read one time to fire; a zone of its own may stand in front."""
    named, cron = split_zone(" ".join(written.split()))
    zone = read_zone(named) if named is not None else zone
    return Cron(text=cron, schedule=read_schedule(cron, zone), zone=zone)


def read_timezone(value: Any) -> tzinfo:
    """Read a time zone of the IANA database."""
    return read_zone(filled(value))


def read_refs(value: Any) -> tuple[str, ...]:
    """Read which phases one follows."""
    found = (value,) if isinstance(value, str) else texts(value)
    found = tuple(ref.strip() for ref in found if ref.strip())
    for ref in found:
        if ref.count(":") > 1:
            raise ValueError(f"takes type or type:job, not {ref!r}")
    if len(set(found)) < len(found):
        raise ValueError("names a parent twice")
    return found


def read_files(value: Any) -> str:
    """Read a pattern of files.

    Another distribution knows what is one: without it, no file starts anything either.
    """
    pattern = text(value)
    with contextlib.suppress(ModuleNotFoundError):
        from task_taskmaster_files.pattern import Pattern

        if pattern:
            Pattern(pattern, UTC)
    return pattern


def read_on(value: Any) -> frozenset[On]:
    """Read which results of its parents it follows."""
    return frozenset(one_of(On)(item) for item in texts(value))


def read_join(value: Any) -> str:
    """Read which tasks of its parents belong together."""
    written = filled(value)
    if written in ("run", "time") or "{" in written:
        return written
    hint = nearest(written, ["run", "time"])
    raise ValueError(f"is run, time, or a template like '{{meta:shop}}'{hint}")


def read_keys(value: Any) -> tuple[str, ...]:
    """Read keys of meta, also written as `{meta:key}`."""
    found = tuple(re.sub(r"^\{meta:(\w+)\}$", r"\1", key) for key in texts(value))
    for key in found:
        if not _KEY.fullmatch(key):
            raise ValueError(f"takes keys of meta, such as file, not {key!r}")
    return found


def read_fixed_meta(value: Any) -> Mapping[str, str]:
    """Read values that all tasks of a phase have."""
    meta = scalars(value)
    _refuse_reserved(meta)
    return meta


def read_lists(value: Any) -> Mapping[str, tuple[str, ...]]:
    """Read the values of a batch."""
    meta = mapping(value)
    _refuse_reserved(meta)
    return {
        key: tuple(scalar(item, key) for item in (it if isinstance(it, list) else [it]))
        for key, it in meta.items()
    }


def _refuse_reserved(meta: Mapping[str, Any]) -> None:
    for key in meta:
        if key in RESERVED:
            raise ValueError(f"cannot set {key!r}: the taskmaster writes it")


FOR_ALL: Mapping[str, Callable[[Any], Any]] = {
    "timezone": read_timezone,
    "missed": one_of(Missed),
    "missed_window": read_length,
    "overlap": one_of(Overlap),
    "join_within": read_length,
    "keep": read_keys,
    "retry": whole,
    "retry_delay": read_length,
    "retry_max": read_length,
    "deadline": read_length,
    "no_alert": flag,
}
"""Keys that `[defaults]` may say for all phases, and what reads them."""
