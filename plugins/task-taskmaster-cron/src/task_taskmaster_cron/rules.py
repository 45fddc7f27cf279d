"""The rules file, read into rules; what is wrong with it is told all at once."""

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Any

from task_core.api import OptionError, parse_duration
from task_taskmaster_cron import template as templates
from task_taskmaster_cron.options import Missed
from task_taskmaster_cron.rule import HOUR, Rule
from task_taskmaster_cron.schedule import (
    Interval,
    Schedule,
    nearest,
    read_schedule,
    read_zone,
    split_zone,
)
from task_taskmaster_cron.table import Table, filled, scalars, text

_HEADER = re.compile(r"\s*\[\[\s*[\"']?rule[\"']?\s*\]\]")
LONGEST_OFFSET = timedelta(days=36525)
"""Further away the calendar may end."""
_STAND_IN = Interval(seconds=1)  # the schedule of a rule that is refused anyway


def read_rules(path: Path, *, timezone: str, missed: Missed) -> list[Rule]:
    """Read the rules file.

    Args:
        path: Where it is.
        timezone, missed: For rules that do not say.

    Raises:
        OptionError: It cannot be read, or rules are wrong: all of them are told.
    """
    content = _content(path)
    tables = [Table(values) for values in _tables(path, content)]
    places = _places(path.name, content, len(tables))
    rules = [
        _rule(table, number, _default_zone(timezone), missed)
        for number, table in enumerate(tables, 1)
    ]
    _refuse_doubles(rules, tables)
    problems = [
        f"{place}: {problem}"
        for place, table in zip(places, tables, strict=True)
        for problem in table.problems
    ]
    if problems:
        raise OptionError(problems)
    return rules


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise OptionError([f"cannot read rules {path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise OptionError([f"cannot read rules {path}: it is not UTF-8"]) from None


def _tables(path: Path, content: str) -> list[dict[str, Any]]:
    try:
        data = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise OptionError([f"rules {path} are no TOML: {error}"]) from None
    tables = data.pop("rule", [])
    problems = [f"unknown key {key!r}{nearest(key, ['rule'])}" for key in data]
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        problems.append("rules are tables: write [[rule]] above each of them")
    elif not tables:
        problems.append("at least one rule is required: write [[rule]] and its keys")
    if problems:
        raise OptionError([f"{path.name}: {problem}" for problem in problems])
    return list(tables)


def _places(name: str, content: str, count: int) -> list[str]:
    """Tell where each rule is; with its line, unless it is written unusually."""
    rows = enumerate(content.split("\n"), 1)
    lines = [number for number, row in rows if _HEADER.match(row)]
    if len(lines) != count:
        return [f"{name} (rule {number})" for number in range(1, count + 1)]
    return [f"{name}, line {line} (rule {n})" for n, line in enumerate(lines, 1)]


def _default_zone(name: str) -> tzinfo:
    try:
        return read_zone(name)
    except ValueError as error:
        raise OptionError([f"option timezone: {error}"]) from None


def _rule(table: Table, number: int, zone: tzinfo, missed: Missed) -> Rule:
    written = " ".join(table.require("cron").split())
    zone = table.take("timezone", _zone, zone)
    named, cron = split_zone(written)
    if named is not None:
        zone = _prefixed_zone(table, named, zone)
    type_ = table.require("type")
    rule = Rule(
        number=number,
        cron=cron,
        schedule=_schedule(table, cron, zone) if written else _STAND_IN,
        zone=zone,
        type=type_,
        job=table.take("job", text, ""),
        topic=table.take("topic", filled, type_),
        template=table.take("template", text, ""),
        offset=table.take("offset", _offset, timedelta(0)),
        meta=table.take("meta", _meta, {}),
        missed=table.take("missed", _missed, missed),
    )
    if rule.meta or "meta" not in table:  # a wrong one is told already
        table.problems += _unset_keys(rule.template, rule.meta)
    table.finish()
    return rule


def _zone(value: Any) -> tzinfo:
    return read_zone(filled(value))


def _prefixed_zone(table: Table, named: str, zone: tzinfo) -> tzinfo:
    """Return the zone that stands before the fields; it must be the only one."""
    try:
        prefixed = read_zone(named)
    except ValueError as error:
        table.problems.append(f"cron: {error}")
        return UTC
    if "timezone" in table and prefixed != zone:
        table.problems.append(f"cron is in {prefixed}, but timezone is {zone}")
    return prefixed


def _schedule(table: Table, cron: str, zone: tzinfo) -> Schedule:
    try:
        return read_schedule(cron, zone)
    except ValueError as error:
        table.problems.append(f"cron {cron!r}: {error}")
        return _STAND_IN


def _offset(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise ValueError(f"must be text like '-24h', not {value!r}")  # noqa: TRY004
    try:
        offset = parse_duration(value)
    except ValueError as error:
        raise ValueError(f"is {error}") from None
    if abs(offset) > LONGEST_OFFSET:
        raise ValueError(f"leads more than a hundred years away: {value!r}")
    return offset


def _meta(value: Any) -> dict[str, str]:
    meta = scalars(value)
    if HOUR in meta:
        raise ValueError(f"cannot set {HOUR!r}: that is the hour of the firing")
    return meta


def _missed(value: Any) -> Missed:
    names = [member.value for member in Missed]
    if value not in names:
        raise ValueError(f"is one of {', '.join(names)}, not {value!r}")
    return Missed(value)


def _unset_keys(template: str, meta: Mapping[str, str]) -> list[str]:
    known = [*meta, HOUR]
    return [
        f"template asks for {{meta:{key}}}, which meta does not have"
        f"{nearest(key, known)}"
        for key in dict.fromkeys(templates.keys(template))
        if key not in known
    ]


def _refuse_doubles(rules: list[Rule], tables: list[Table]) -> None:
    """Note rules that are the same as one before: the state could not tell them."""
    first: dict[str, int] = {}
    for rule, table in zip(rules, tables, strict=True):
        same = first.setdefault(rule.key, rule.number)
        if same != rule.number and not table.problems:
            table.problems.append(f"the same as rule {same}")
