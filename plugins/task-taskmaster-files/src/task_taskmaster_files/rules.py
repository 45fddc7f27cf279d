"""The rules file, read into rules; what is wrong with it is told all at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import attrs
from task_rules import template as templates
from task_rules.document import Document
from task_rules.file import default_zone, read_document
from task_rules.moments import HOUR, read_length
from task_rules.names import nearest
from task_rules.schedule import read_zone
from task_rules.table import Table, filled, one_of, scalars, text, texts

from task_core.api import OptionError
from task_taskmaster_files import filling
from task_taskmaster_files.gorules import in_our_words
from task_taskmaster_files.grouping import Grouping
from task_taskmaster_files.grouptable import read_grouping
from task_taskmaster_files.marker import Marker
from task_taskmaster_files.pattern import MOST_STEPS, Pattern
from task_taskmaster_files.rule import Existing, Rule, Source

IGNORE: tuple[str, ...] = (
    ".*",
    "*.tmp",
    "*.part",
    "*.partial",
    "*.filepart",
    "*.crdownload",
)
"""Names of files that are still at work, as browsers and copying programs have them."""
QUIET = 10.0
"""Seconds for which a file stays as it is, where it can be seen half-written."""
EVERY = 60.0
"""Seconds between two listings."""
LOOKBACK = timedelta(days=1)
ATOMIC = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci")
"""Protocols of storages where a file is there as a whole, or not at all."""


@attrs.frozen
class Rules:
    """What a file says.

    Args:
        rules: Its rules.
        storage: Protocol -> what fsspec takes to open it.
        notes: What may be wrong, one line each.
    """

    rules: Sequence[Rule]
    storage: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str] = ()


def read_rules(path: Path, *, timezone: str = "UTC") -> Rules:
    """Read the rules file.

    Args:
        path: Where it is.
        timezone: For rules that do not say.

    Raises:
        OptionError: It cannot be read, or rules are wrong: all of them are told.
    """
    document = read_document(path)
    rules: list[Rule] = []
    storage: Mapping[str, Mapping[str, Any]] = {}
    if not document.problems:
        zone = default_zone(timezone)
        storage = _storage(document)
        in_our_words(document.values.get("rule"))
        for number, table in enumerate(document.tables("rule"), 1):
            rule = _rule(table, number, zone)
            if rule is not None:
                _refuse_double(rule, rules, table)
                rules.append(rule)
        _check_root(document)
        _note_unused(document, storage, rules)
    if not document.usable:
        raise OptionError(document.told())
    return Rules(rules, storage, document.told())


def _check_root(document: Document) -> None:
    known = ("rule", "storage")
    for key in document.values:
        if key not in known:
            document.note(f"unknown key {key!r}{nearest(key, known)}", key)
    if not document.values.get("rule"):
        text = "at least one rule is required: write [[rule]] and its keys"
        document.note(text)


def _storage(document: Document) -> Mapping[str, Mapping[str, Any]]:
    found = document.values.get("storage", {})
    if isinstance(found, dict) and all(isinstance(it, dict) for it in found.values()):
        return found
    text = "storage has a table for each protocol: write [storage.s3]"
    document.note(text, "storage")
    return {}


def _note_unused(
    document: Document, storage: Mapping[str, Any], rules: Sequence[Rule]
) -> None:
    listed = [it for it in rules if it.source is Source.LIST]
    used = {it.pattern.protocol for it in listed}
    for name in storage:
        if name not in used:
            text = f"[storage.{name}] is used by no rule"
            hint = nearest(name, used) or ": only --taskmaster-manifests could use it"
            document.note(f"{text}{hint}", "storage", name, serious=False)


def _rule(table: Table, number: int, zone: tzinfo) -> Rule | None:
    zone = table.take("timezone", _zone, zone)
    pattern = _pattern(table, zone)
    type_ = table.require("type")
    grouping = table.take("group", lambda it: read_grouping(it, zone, table), None)
    marker = table.take("marker", _marker, None)
    waits = pattern is None or not (marker or pattern.protocol in ATOMIC)
    values: dict[str, Any] = {
        "name": table.take("name", filled, ""),
        "source": table.take("source", one_of(Source), Source.LIST),
        "lookback": table.take("lookback", read_length, LOOKBACK),
        "every": table.take("every", _every, EVERY),
        "quiet": table.take("quiet", seconds, QUIET if waits else 0.0),
        "ignore": table.take("ignore", texts, IGNORE),
        "existing": table.take("existing", one_of(Existing), Existing.SKIP),
        "job": table.take("job", text, ""),
        "topic": table.take("topic", filled, type_),
        "template": table.take("template", text, ""),
        "meta": table.take("meta", _meta, dict[str, str]()),
    }
    if not values["template"]:
        values["template"] = "{manifest}" if grouping else "{file}"
    _check_template(table, values["template"], values["meta"], pattern, grouping)
    table.finish()
    if pattern is None:
        return None
    _check_lookback(table, pattern, values["lookback"])
    _check_source(table, values["source"])
    if values["source"] is Source.LIST:
        _check_folder(table, pattern)
    if marker:
        values["ignore"] = (*values["ignore"], marker.pattern())
    return Rule(
        number=number,
        pattern=pattern,
        zone=zone,
        marker=marker,
        grouping=grouping,
        type=type_,
        **values,
    )


def _pattern(table: Table, zone: tzinfo) -> Pattern | None:
    written = table.require("files")
    try:
        return Pattern(written, zone) if written else None
    except ValueError as error:
        table.note(f"files {error}", "files")
        return None


def _zone(value: Any) -> tzinfo:
    return read_zone(filled(value))


def _marker(value: Any) -> Marker:
    return Marker(filled(value))


def seconds(value: Any) -> float:
    """Return a duration in seconds."""
    return read_length(value).total_seconds()


def _every(value: Any) -> float:
    found = seconds(value)
    if found < 1:
        raise ValueError(f"must be a second at least, not {value!r}")
    return found


def _meta(value: Any) -> dict[str, str]:
    meta = scalars(value)
    for key in (HOUR, "file", "filename", "group", "files", "manifest"):
        if key in meta:
            raise ValueError(f"cannot set {key!r}: the files say that")
    return meta


def _check_template(
    table: Table,
    template: str,
    meta: Mapping[str, str],
    pattern: Pattern | None,
    grouping: Grouping | None,
) -> None:
    """Note what a template asks for and cannot get."""
    for key in dict.fromkeys(templates.keys(template)):
        if key not in meta:
            hint = nearest(key, meta)
            text = f"template asks for {{meta:{key}}}, which meta does not have{hint}"
            table.note(text, "template")
    there = filling.MANY if grouping else filling.ONE
    missing = set(filling.ONE) | set(filling.MANY)
    for name in dict.fromkeys(filling.names_in(template)):
        if name in missing and name not in there:
            which = "a group" if grouping else "a single file"
            tokens = " ".join(f"{{{it}}}" for it in there)
            text = f"template asks for {{{name}}}, which {which} lacks: it has {tokens}"
            table.note(text, "template")
        elif hint := _mistyped(name, there):
            table.note(f"template asks for {{{name}}}{hint}", "template")


def _mistyped(name: str, there: Sequence[str]) -> str:
    """Return which token was meant by a name that is none, if one is near."""
    known = (*there, *filling.DATES, *filling.OTHERS)
    return "" if name in known else nearest(name, known)


def _check_lookback(table: Table, pattern: Pattern, lookback: timedelta) -> None:
    if pattern.unit is None:
        if "lookback" in table:
            text = "lookback is for date tokens, and files has none: take it out"
            table.note(text, "lookback")
    elif lookback // pattern.steps > MOST_STEPS:
        table.note("lookback is too long: each place in it is looked at", "lookback")


def _check_folder(table: Table, pattern: Pattern) -> None:
    """Note a pattern that names a folder: it would never find a file.

    With date tokens, what is a folder today may be a file tomorrow.
    """
    if folder := pattern.folder(datetime.now(UTC)):
        whole = f"{pattern.text}/*"
        text = f"files names a folder, {folder}: write {whole} for the files in it"
        table.note(text, "files", serious=pattern.unit is None)


def _check_source(table: Table, source: Source) -> None:
    """Note keys that say nothing where events tell the files."""
    if source is not Source.EVENTS:
        return
    for key in ("lookback", "every", "quiet", "marker", "existing"):
        if key in table:
            text = f"{key} is for files that are listed, and here events tell them"
            table.note(f"{text}: take it out", key)


def _refuse_double(rule: Rule, others: Sequence[Rule], table: Table) -> None:
    """Note a rule that the store could not tell from one before."""
    for other in others:
        if other.key == rule.key:
            text = f"the same as rule {other.number}: give one of them a name"
            table.note(text)
            return
