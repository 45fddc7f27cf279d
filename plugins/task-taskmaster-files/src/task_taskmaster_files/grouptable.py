"""The table `group` of a rule, read into a grouping."""

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from task_rules.moments import read_length
from task_rules.names import nearest
from task_rules.schedule import Schedule, read_schedule, read_zone, split_zone
from task_rules.table import Problem, Table, filled, one_of, whole
from task_rules.template import keys, meant, unknown_names

from task_taskmaster_files.grouping import Grouping, Late, Short

_DIR = re.compile(r"\{dir\}", re.IGNORECASE)
_TRIGGERS = ("count", "quiet", "at", "max_wait")


def read_grouping(value: Any, zone: tzinfo, rule: Table) -> Grouping | None:
    """Read the table.

    Args:
        value: As the file has it.
        zone: On whose clock `at` is.
        rule: Where problems are noted.

    Raises:
        ValueError: It is no table.
    """
    if not isinstance(value, Mapping):
        raise ValueError('is a table: write group = { by = "dir", quiet = "5m" }')  # noqa: TRY004
    problems: list[Problem] = []
    table = Table(value, problems)
    count = table.take("count", _count, None)
    grouping = Grouping(
        by=table.take("by", _by, "{dir}"),
        count=count,
        quiet=table.take("quiet", _seconds, None),
        at=table.take("at", lambda it: _schedule(it, zone), None),
        max_wait=table.take("max_wait", _seconds, None),
        min_count=table.take("min_count", _count, 1),
        late=table.take("late", one_of(Late), Late.NEXT if count else Late.AGAIN),
        short=table.take("short", one_of(Short), Short.WARN),
    )
    if not any(key in table for key in _TRIGGERS):
        table.note("says not when it fires: give it count, quiet, at or max_wait")
    _check_count(table, grouping)
    table.finish()
    for problem in problems:
        rule.note(f"group: {problem.text}", "group")
    return grouping


def _check_count(table: Table, grouping: Grouping) -> None:
    if grouping.count and grouping.min_count > grouping.count:
        table.note("min_count is above count: it fires at count already")
    if grouping.late is Late.NEXT and "count" not in table:
        table.note('late = "next" needs count: say how many files the next group has')
    if "min_count" in table and not (grouping.max_wait or grouping.at):
        text = "min_count needs max_wait or at: it would wait for ever"
        table.note(text)


def _by(value: Any) -> str:
    text = _DIR.sub("{dir}", filled(value))
    if text == "dir":
        return "{dir}"
    if keys(text):
        raise ValueError("asks for {meta:…}, which files do not have")
    for name in unknown_names(text):
        if name != "dir":  # what is none stays as it is: all would be one group
            hint = nearest(name, ["dir"]) or meant(name)
            raise ValueError(f"asks for {{{name}}}, which is no token{hint}")
    if not re.search(r"\{\w+\}", text):
        raise ValueError(
            f"is `dir`, or a template like {{yyyy}}-{{mm}}-{{dd}}: {text!r}"
        )
    return text


def _count(value: Any) -> int:
    return whole(value, least=1)


def _seconds(value: Any) -> float:
    found = read_length(value).total_seconds()
    if not found:
        raise ValueError("must be longer than nothing")
    return found


def _schedule(value: Any, zone: tzinfo) -> Schedule:
    named, cron = split_zone(filled(value))
    return read_schedule(cron, read_zone(named) if named else zone)
