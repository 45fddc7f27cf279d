"""A workflow written in our own spelling, whatever it was read from."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

import attrs

from task_core.api import format_duration
from task_taskmaster_workflow.checks import read_workflow
from task_taskmaster_workflow.phase import Batch, Cron, Phase
from task_taskmaster_workflow.read import Workflow

_SAME = ("template", "files", "join", "missed", "overlap", "retry")
_LENGTHS = ("offset", "missed_window", "join_within", "retry_delay", "retry_max")

_OF_CRON = ("missed", "missed_window", "overlap", "offset")


def convert(workflow: Workflow) -> str:
    """Write a workflow; comments of its file are not in it."""
    plain = _plain(workflow)
    parts = [_phase(phase, plain) for phase in workflow.phases]
    if workflow.zone != UTC:
        parts.insert(0, f"timezone = {_text(str(workflow.zone))}\n")
    return "\n".join(parts)


def _plain(workflow: Workflow) -> Phase:
    """Return a phase that says nothing but its task: what is as there is left out."""
    timezone = f"timezone = {_text(str(workflow.zone))}\n"
    plain, _ = read_workflow(workflow.name, f"{timezone}[[phase]]\ntask = 'x'\n")
    return plain.phases[0]


def _phase(phase: Phase, plain: Phase) -> str:
    values: dict[str, Any] = {"task": phase.name, **_trigger(phase, plain)}
    for key in (*_SAME, *_LENGTHS, "deadline"):
        idle = key in _OF_CRON and not phase.crons  # said for all phases of its file
        if getattr(phase, key) != getattr(plain, key) and not idle:
            values[key] = getattr(phase, key)
    for key in ("require", "keep", "meta", "no_alert", "manual"):
        if getattr(phase, key):
            values[key] = getattr(phase, key)
    if phase.batch:
        values["batch"] = _batch(phase.batch)
    rows = [f"{key} = {_written(value)}" for key, value in values.items()]
    return "\n".join(["[[phase]]", *rows, ""])


def _trigger(phase: Phase, plain: Phase) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if phase.crons:
        values["cron"] = _one_or_all([_cron(it, phase) for it in phase.crons])
    if phase.zone != plain.zone:
        values["timezone"] = str(phase.zone)
    if phase.parents:
        values["dependsOn"] = _one_or_all(phase.parents)
    if phase.on != plain.on:
        values["on"] = _one_or_all(sorted(phase.on))
    return values


def _cron(cron: Cron, phase: Phase) -> str:
    zone = "" if cron.zone == phase.zone else f"CRON_TZ={cron.zone} "
    return f"{zone}{cron.text}"


def _batch(batch: Batch) -> dict[str, Any]:
    names = {"length": "for"}
    values = attrs.asdict(batch, recurse=False)
    plain = attrs.asdict(Batch(), recurse=False)
    return {
        names.get(key, key): value
        for key, value in values.items()
        if value != plain[key]
    }


def _one_or_all(values: Any) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case timedelta():
            return _text(_short(format_duration(value)))
        case str():
            return _text(str(value))
        case Mapping():
            pairs = (f"{_text(key)} = {_written(it)}" for key, it in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case _:
            return f"[{', '.join(_written(it) for it in value)}]"


def _short(duration: str) -> str:
    """Leave out the minutes and seconds that Go writes though there are none."""
    return re.sub(r"(?<=h)0m$", "", re.sub(r"(?<=m)0s$", "", duration))


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
