"""One rule: which files, when they are finished, and what is sent for them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta, tzinfo
from enum import StrEnum

import attrs
from task_rules.moments import HOUR, hour_text

from task_core.api import Clock, Task, format_meta
from task_taskmaster_files.file import File, digest
from task_taskmaster_files.filling import fill, values_of
from task_taskmaster_files.grouping import Grouping
from task_taskmaster_files.marker import Marker
from task_taskmaster_files.pattern import Pattern


class Source(StrEnum):
    """Who tells which files there are."""

    LIST = "list"
    """The storage, when it is asked."""
    EVENTS = "events"
    """Messages on the topic of events, alone."""


class Existing(StrEnum):
    """What becomes of the files that are there at the very first start of a rule."""

    SKIP = "skip"
    """They are known from then on; no task is made."""
    SEND = "send"
    """They are told as all others."""


@attrs.frozen(kw_only=True, eq=False)
class Rule:
    """One rule of the file.

    Args:
        number: Its place in the file, from 1.
        name: What people call it, or empty.
        pattern: Which files.
        source: Who tells which there are.
        lookback: How far back the date tokens of the pattern go.
        zone: On whose clock these are.
        every: Seconds between two listings when no event asks for one.
        quiet: Seconds for which a file must stay as it is.
        marker: What says that a file is finished, if anything does.
        ignore: Patterns of names that are no files.
        existing: What becomes of what is there at the first start.
        grouping: How files belong together; each has its own task without one.
        type, job: Of the tasks.
        topic: Where they go.
        template: Of their info.
        meta: Of the tasks, beside what is added.
    """

    number: int
    name: str
    pattern: Pattern
    source: Source
    lookback: timedelta
    zone: tzinfo
    every: float
    quiet: float
    marker: Marker | None
    ignore: tuple[str, ...]
    existing: Existing
    grouping: Grouping | None
    type: str
    job: str
    topic: str
    template: str
    meta: Mapping[str, str]

    @property
    def key(self) -> str:
        """Stands for the rule from run to run.

        It is that of its name; without one, of its pattern, type, job and topic. So
        what else is changed makes no file new.
        """
        if self.name:
            return f"name:{self.name}"
        parts = (self.pattern.text, self.type, self.job, self.topic)
        return digest(*parts)[:16]

    def __str__(self) -> str:
        return f"rule {self.name or self.number} ({self.pattern.text})"


@attrs.frozen(kw_only=True)
class Firing:
    """A group that fires.

    Args:
        group: Its name.
        files: Those that wait, in order.
        manifest: Where they are listed, or empty.
        notes: More for the meta: that they are late, or too few.
    """

    group: str
    files: Sequence[File]
    manifest: str = ""
    notes: Mapping[str, str] = attrs.field(factory=dict)


def info_of_file(rule: Rule, file: File) -> str:
    """Return the info of the task for a file."""
    return fill(rule.template, values_of(file), file.moment, rule.meta)


def task_of_file(rule: Rule, file: File, clock: Clock) -> Task:
    """Return the task for a file."""
    info = info_of_file(rule, file)
    meta = {**rule.meta, "file": file.path, "filename": file.name}
    if file.moment:
        meta[HOUR] = hour_text(file.moment)
    text = format_meta(meta)
    return Task.new(rule.type, info, job=rule.job, meta=text, clock=clock)


def task_of_group(rule: Rule, firing: Firing, clock: Clock) -> Task:
    """Return the task for a group."""
    first = firing.files[0]
    folders = {file.folder for file in firing.files}
    values = {
        "dir": first.folder if len(folders) == 1 else _shared(sorted(folders)),
        "group": firing.group,
        "count": str(len(firing.files)),
        "size": str(sum(file.size or 0 for file in firing.files)),
        "manifest": firing.manifest,
    }
    values["src_path"] = values["dir"]
    meta = {
        **rule.meta,
        "group": firing.group,
        "files": values["count"],
        **firing.notes,
    }
    if firing.manifest:
        meta["manifest"] = firing.manifest
    if first.moment:
        meta[HOUR] = hour_text(first.moment)
    info = fill(rule.template, values, first.moment, rule.meta)
    text = format_meta(meta)
    return Task.new(rule.type, info, job=rule.job, meta=text, clock=clock)


def _shared(folders: Sequence[str]) -> str:
    """Return the folder that all of some are in."""
    first, last = folders[0].split("/"), folders[-1].split("/")
    same = []
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        same.append(one)
    return "/".join(same)
