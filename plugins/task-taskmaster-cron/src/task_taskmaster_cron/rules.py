"""The rules file, read into rules; what is wrong with it is told all at once."""

from collections.abc import Mapping
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Any

from task_rules import template as templates
from task_rules.document import Document
from task_rules.file import default_zone, read_document
from task_rules.missed import Missed
from task_rules.moments import HOUR, read_offset
from task_rules.names import nearest
from task_rules.schedule import (
    Interval,
    Schedule,
    read_schedule,
    read_zone,
    split_zone,
)
from task_rules.table import Table, filled, one_of, scalars, text

from task_core.api import OptionError
from task_taskmaster_cron.rule import Rule

_STAND_IN = Interval(seconds=1)  # the schedule of a rule that is refused anyway


def read_rules(path: Path, *, timezone: str, missed: Missed) -> list[Rule]:
    """Read the rules file.

    Args:
        path: Where it is.
        timezone, missed: For rules that do not say.

    Raises:
        OptionError: It cannot be read, or rules are wrong: all of them are told.
    """
    file = read_document(path)
    zone = default_zone(timezone)
    tables = _tables(file)
    rules = [_rule(table, number, zone, missed) for number, table in tables.items()]
    _refuse_doubles(rules, tables)
    if file.problems:
        raise OptionError(file.told())
    return rules


def _tables(file: Document) -> dict[int, Table]:
    for key in file.values:
        if key != "rule":
            file.note(f"unknown key {key!r}{nearest(key, ['rule'])}", key)
    tables = file.tables("rule")
    if not tables and not file.problems:
        file.note("at least one rule is required: write [[rule]] and its keys")
    return dict(enumerate(tables, 1))


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
        offset=table.take("offset", read_offset, timedelta(0)),
        meta=table.take("meta", _meta, {}),
        missed=table.take("missed", one_of(Missed), missed),
    )
    if rule.meta or "meta" not in table:  # a wrong one is told already
        _note_unset_keys(table, rule.template, rule.meta)
    table.finish()
    return rule


def _zone(value: Any) -> tzinfo:
    return read_zone(filled(value))


def _prefixed_zone(table: Table, named: str, zone: tzinfo) -> tzinfo:
    """Return the zone that stands before the fields; it must be the only one."""
    try:
        prefixed = read_zone(named)
    except ValueError as error:
        table.note(f"cron: {error}", "cron")
        return UTC
    if "timezone" in table and prefixed != zone:
        table.note(f"cron is in {prefixed}, but timezone is {zone}", "cron")
    return prefixed


def _schedule(table: Table, cron: str, zone: tzinfo) -> Schedule:
    try:
        return read_schedule(cron, zone)
    except ValueError as error:
        table.note(f"cron {cron!r}: {error}", "cron")
        return _STAND_IN


def _meta(value: Any) -> dict[str, str]:
    meta = scalars(value)
    if HOUR in meta:
        raise ValueError(f"cannot set {HOUR!r}: that is the hour of the firing")
    return meta


def _note_unset_keys(table: Table, template: str, meta: Mapping[str, str]) -> None:
    known = [*meta, HOUR]
    for key in dict.fromkeys(templates.keys(template)):
        if key not in known:
            hint = nearest(key, known)
            problem = (
                f"template asks for {{meta:{key}}}, which meta does not have{hint}"
            )
            table.note(problem, "template")


def _refuse_doubles(rules: list[Rule], tables: Mapping[int, Table]) -> None:
    """Note rules that are the same as one before: the state could not tell them."""
    first: dict[str, int] = {}
    for rule in rules:
        same = first.setdefault(rule.key, rule.number)
        if same != rule.number and not tables[rule.number].problems:
            tables[rule.number].note(f"the same as rule {same}")
