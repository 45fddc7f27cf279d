"""The rules of flowlord's files: query strings that say what keys say in ours."""

import re
from typing import Any
from urllib.parse import unquote_plus

from task_rules.names import nearest
from task_rules.table import Table

RULE = "rule"
KEYS = (
    *("cron", "offset", "job", "files", "count", "require", "retry_delay"),
    *("no_alert", "for", "by", "meta", "meta-file"),
)
_META = re.compile(r"\{meta:(\w+)\}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_rule(table: Table, rule: str) -> None:
    """Add to a table what its rule says; what says nothing is noted.

    Args:
        table: A phase.
        rule: Such as `cron=0 5 * * *&offset=-24h`.
    """
    if _BAD_ESCAPE.search(rule):
        table.note(f"rule has a % that begins no escape: {rule!r}", RULE)
        return
    said: dict[str, list[str]] = {}
    for pair in filter(None, rule.split("&")):
        key, equals, value = pair.partition("=")
        key = unquote_plus(key)
        if key not in KEYS or not equals:
            _note_unknown(table, key, equals)
        else:
            said.setdefault(key, []).append(unquote_plus(value))
    table.add(_values(table, said), RULE)


def _note_unknown(table: Table, key: str, equals: str) -> None:
    name, colon, value = key.partition(":")
    if not equals and colon and name.lower() in KEYS:
        meant = f"{name.lower()}={value}"
        problem = f"rule has {key!r}, which does nothing: did you mean {meant!r}?"
    elif not equals:
        problem = f"rule says {key!r} without a key: write cron={key}, or the like"
    elif key.lower() in KEYS or key.rstrip(":").lower() in KEYS:
        problem = f"rule has {key!r}, which does nothing{nearest(key, KEYS)}"
    else:
        problem = f"rule has an unknown key {key!r}{nearest(key, KEYS)}"
    table.note(problem, RULE, serious=False)


def _values(table: Table, said: dict[str, list[str]]) -> dict[str, Any]:
    values: dict[str, Any] = {
        key: said[key][0].strip()
        for key in ("offset", "job", "files", "retry_delay")
        if any(said.get(key, ()))
    }
    if crons := [text for text in said.get("cron", ()) if text.strip()]:
        values["cron"] = crons[0]
    if requires := said.get("require"):
        values["require"] = _META.findall(",".join(requires))
        if not values["require"]:
            table.note("rule requires nothing: write require={meta:key}", RULE)
    if any(said.get("no_alert", ())):
        values["no_alert"] = True
    if batch := _batch(table, said):
        values["batch"] = batch
    return values


def _batch(table: Table, said: dict[str, list[str]]) -> dict[str, Any]:
    batch: dict[str, Any] = {key: said[key][0] for key in ("for", "by") if key in said}
    if "meta-file" in said:
        batch["meta_file"] = said["meta-file"][0]
    if "meta" in said:
        batch["meta"] = _meta(table, said["meta"])
    if set(batch) == {"by"}:  # a step of nothing
        table.note("rule has by= without for=, which does nothing", RULE, serious=False)
        return {}
    return batch


def _meta(table: Table, texts: list[str]) -> dict[str, list[str]]:
    """Read `name:a,b|value:1,2`."""
    found: dict[str, list[str]] = {}
    for part in "|".join(texts).split("|"):
        key, colon, values = part.partition(":")
        if not colon or not key:
            table.note(f"rule has no key: in meta={part!r}: write meta=key:a,b", RULE)
            continue
        found.setdefault(key, []).extend(values.split(","))
    return found
