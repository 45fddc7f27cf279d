"""A file of phases, read; what is wrong with it is told all at once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, timedelta, tzinfo
from typing import Any

import attrs
from task_rules.dates import read_by
from task_rules.document import Document
from task_rules.missed import Missed
from task_rules.moments import read_duration, read_offset
from task_rules.table import Table, file_name, flag, text, texts, whole

from task_taskmaster_workflow.flowlord import RULE, read_rule
from task_taskmaster_workflow.phase import Batch, Cron, On, Overlap, Phase
from task_taskmaster_workflow.values import (
    FOR_ALL,
    read_cron,
    read_files,
    read_fixed_meta,
    read_join,
    read_keys,
    read_lists,
    read_on,
    read_refs,
    read_timezone,
)

KEYS = (
    *("task", "dependsOn", RULE, "template", "job", "meta", "cron", "offset", "files"),
    *("manual", "on", "join", "require", "batch"),
    *("timezone", "missed", "missed_window", "overlap", "join_within", "keep"),
    *("retry", "retry_delay", "retry_max", "deadline", "no_alert"),
)
FIRST_DELAY, LAST_DELAY = timedelta(seconds=1), timedelta(hours=1)
_UTC: tzinfo = UTC
_NONE: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Workflow:
    """One file.

    Args:
        name: As in the meta of tasks.
        zone: Of its dates.
        phases: In the order of the file.
    """

    name: str
    zone: tzinfo
    phases: tuple[Phase, ...]


def read_phases(file: Document) -> Workflow:
    """Read the phases of a file; what is wrong with it is noted there.

    Args:
        file: Its name is the one that tasks have in their meta.
    """
    root = file.root
    zone: tzinfo = root.take("timezone", read_timezone, _UTC)
    defaults = _defaults(file.table("defaults"))
    phases = []
    known = _phase_keys(file)
    for key in known:
        for table in file.tables(key):
            table.fold(KEYS)
            phases.append(_Reader(file.name, zone, defaults, table).phase())
    for key in ("timezone", "defaults", *known):
        root.take(key, lambda value: value, None)
    root.take("phase", lambda value: value, None)
    root.finish()
    if not phases and file.usable:
        file.note("at least one phase is required: write [[phase]] and its keys")
    return Workflow(name=file.name, zone=zone, phases=tuple(_numbered(phases)))


def _numbered(phases: Iterable[Phase]) -> Iterator[Phase]:
    """Number those of one name, which flowlord's files may have."""
    before: Counter[str] = Counter()
    for phase in phases:
        yield attrs.evolve(phase, ordinal=before[phase.name])
        before[phase.name] += 1


def _defaults(table: Table | None) -> dict[str, Any]:
    """Return what a file says for all its phases."""
    if table is None:
        return {}
    said = {key: table.take(key, read, None) for key, read in FOR_ALL.items()}
    table.finish()
    return {key: value for key, value in said.items() if value is not None}


def _phase_keys(file: Document) -> list[str]:
    return [key for key in file.values if key.lower() == "phase"]


class _Reader:
    """Reads one phase.

    Args:
        workflow: Its file.
        zone: That of the file.
        defaults: What the file says for all phases.
        table: The phase.
    """

    def __init__(
        self,
        workflow: str,
        zone: tzinfo,
        defaults: Mapping[str, Any],
        table: Table,
    ) -> None:
        self._workflow = workflow
        self._zone = zone
        self._defaults = defaults
        self._table = table

    def phase(self) -> Phase:
        """Return it; nobody uses it when something was noted."""
        table = self._table
        if rule := table.take(RULE, text, ""):
            read_rule(table, rule)
        type_, job = self._name()
        zone = self._either("timezone", self._zone)
        parents = table.take("dependsOn", read_refs, _NONE)
        phase = Phase(
            workflow=self._workflow,
            line=table.line,
            type=type_,
            job=job,
            template=table.take("template", text, ""),
            meta=table.take("meta", read_fixed_meta, {}),
            crons=self._crons(zone),
            zone=zone,
            offset=table.take("offset", read_offset, timedelta(0)),
            missed=self._either("missed", Missed.LAST),
            missed_window=self._either("missed_window", None),
            overlap=self._either("overlap", Overlap.ALLOW),
            files=table.take("files", read_files, ""),
            manual=table.take("manual", flag, default=False),
            parents=parents,
            on=table.take("on", read_on, frozenset({On.COMPLETE})),
            join=table.take("join", read_join, "run"),
            join_within=self._either("join_within", None),
            require=table.take("require", read_keys, _NONE),
            keep=self._either("keep", ()),
            batch=self._batch(),
            retry=self._either("retry", 0),
            retry_delay=self._either("retry_delay", FIRST_DELAY),
            retry_max=self._either("retry_max", LAST_DELAY),
            deadline=self._either("deadline", None),
            no_alert=self._either("no_alert", False),
        )
        self._note_idle_keys(phase)
        table.finish()
        return phase

    def _either(self, key: str, default: Any) -> Any:
        """Return what the phase says, or its file for all phases."""
        return self._table.take(key, FOR_ALL[key], self._defaults.get(key, default))

    def _name(self) -> tuple[str, str]:
        table = self._table
        type_, _, job = table.require("task").partition(":")
        other = table.take("job", text, "")
        if ":" in job or (not type_ and job):
            table.note(f"task is type or type:job, not {type_}:{job}", "task")
        if job and other and job != other:
            table.note(f"job is {other}, but task has {job}", "job", serious=False)
        return type_, job or other

    def _crons(self, zone: tzinfo) -> tuple[Cron, ...]:
        found = []
        for written in self._table.take("cron", texts, _NONE):
            try:
                found.append(read_cron(written, zone))
            except ValueError as error:
                self._table.note(f"cron {written!r}: {error}", "cron")
        return tuple(found)

    def _batch(self) -> Batch | None:
        table = self._table.sub("batch")
        if table is None:
            return None
        batch = Batch(
            meta=table.take("meta", read_lists, {}),
            product=table.take("product", flag, default=False),
            by=table.take("by", read_by, Batch().by),
            length=table.take("for", read_duration, None),
            meta_file=table.take("meta_file", file_name, ""),
            max_tasks=table.take("max_tasks", _positive, Batch().max_tasks),
        )
        if batch.meta and batch.meta_file:
            table.note("meta and meta_file cannot both be used", "meta_file")
        if batch.mismatch:
            table.note(batch.mismatch, "meta")
        elif batch.fewest > batch.max_tasks:
            count = f"{batch.fewest} tasks at once"
            what = f"{count}, but max_tasks is {batch.max_tasks}: it would never fire"
            table.note(what, "max_tasks")
        table.finish()
        return batch

    def _note_idle_keys(self, phase: Phase) -> None:
        """Note keys that do nothing, as those they are about are not there."""
        table = self._table
        for key in ("on", "require"):
            if key in table and not phase.parents:
                table.note(f"{key} does nothing without dependsOn", key, serious=False)
        if "join" in table and len(phase.parents) < 2:
            table.note("join takes several parents in dependsOn", "join", serious=False)
        for key in ("missed", "missed_window", "overlap", "offset"):
            if key in table and not phase.crons and "cron" not in table:
                table.note(f"{key} does nothing without cron", key, serious=False)
        by_hand = phase.manual and not (phase.crons or phase.parents or phase.files)
        if "deadline" in table and by_hand and "cron" not in table:
            text = "deadline does nothing for what is only started by hand"
            text = f"{text}: it holds for what the taskmaster itself starts"
            table.note(text, "deadline", serious=False)


def _positive(value: Any) -> int:
    return whole(value, least=1)
