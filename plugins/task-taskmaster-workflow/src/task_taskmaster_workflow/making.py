"""Tasks and their claims: keys that are a function of the cause, bytes made once."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import attrs
from task_rules.info_dates import task_time
from task_rules.moments import HOUR, hour_text
from task_store import Claim, key_of

from task_core.api import (
    Clock,
    Result,
    Task,
    encode_task,
    format_duration,
    format_meta,
    parse_meta,
)
from task_taskmaster_workflow.book import Entry
from task_taskmaster_workflow.firing import (
    Above,
    Draft,
    at_firing,
    days,
    expand,
    rows_of,
)
from task_taskmaster_workflow.phase import FILE_KEYS, NUMBER, ROW, Phase

LAST = datetime.max.replace(tzinfo=UTC).timestamp() - 1
"""The end of the calendar: a deadline behind it never comes."""


@attrs.frozen(kw_only=True)
class Made:
    """A task of a phase, and what it is claimed under.

    Args:
        phase: Whose.
        task: The task.
        key: A function of what caused it.
    """

    phase: Phase
    task: Task
    key: str

    @property
    def claim(self) -> Claim:
        """The task as it is claimed."""
        return Claim(self.key, self.phase.type, encode_task(self.task))


def for_firing(
    entry: Entry, phase: Phase, firing: datetime, clock: Clock
) -> list[Made]:
    """Return the tasks of a firing.

    Raises:
        ValueError: There are too many, or its file of meta is wrong.
    """
    drafts = at_firing(phase, firing, entry.graph.needed(phase))
    cause = _firing_cause(phase, firing)
    return [_made(draft, cause, "", clock) for draft in drafts]


def _firing_cause(phase: Phase, firing: datetime) -> tuple[str, ...]:
    return ("cron", phase.workflow, phase.key, firing.isoformat())


def firing_key(phase: Phase, firing: datetime) -> str:
    """Return the key of the first task of a firing; others have it when it is there."""
    return key_of(*_firing_cause(phase, firing), "0")


def for_parent(
    entry: Entry, phase: Phase, parent: Task, meta: Mapping[str, str], clock: Clock
) -> list[Made]:
    """Return the tasks that follow a done one.

    Raises:
        ValueError: There are too many, or its file of meta is wrong.
    """
    cause = ("child", phase.workflow, phase.key, *identity(parent))
    moment = task_time(meta, parent.info)
    return _following(entry, phase, moment, meta, cause, parent.id, clock)


def for_file(
    entry: Entry,
    phase: Phase,
    version: tuple[str, str],
    moment: datetime | None,
    clock: Clock,
) -> list[Made]:
    """Return the tasks that a file starts.

    Args:
        entry, phase: Which.
        version: Its path, and what changes with its content.
        moment: The date in its path.
        clock: Where `created` comes from.

    Raises:
        ValueError: There are too many, or its file of meta is wrong.
    """
    path, _ = version
    meta = {"file": path, "filename": path.rpartition("/")[2]}
    if moment is not None:
        meta[HOUR] = hour_text(moment)
    cause = ("file", phase.workflow, phase.key, *version)
    return _following(entry, phase, moment, meta, cause, "", clock)


def for_parents(
    entry: Entry, phase: Phase, parents: Sequence[Task], key: str, clock: Clock
) -> list[Made]:
    """Return the tasks that follow several done ones.

    Args:
        entry, phase: Which.
        parents: In the order of `dependsOn`: the first one gives its id, and counts
            more in all else.
        key: Which join it was.
        clock: Where `created` comes from.

    Raises:
        ValueError: There are too many, or its file of meta is wrong.
    """
    meta = joined_meta(parents)
    rows = [values_of(it.meta).get(ROW, "") for it in parents]
    if phase.join == "run" and any(rows):
        meta[ROW] = max(rows, key=len)  # the row that it is of; the others are above it
    dates = (task_time(values_of(it.meta), it.info) for it in parents)
    moment = next((date for date in dates if date), None)
    cause = ("join", phase.workflow, phase.key, key)
    return _following(entry, phase, moment, meta, cause, parents[0].id, clock)


def joined_meta(parents: Sequence[Task]) -> dict[str, str]:
    """Return the meta of several parents; the first one's word counts more."""
    meta: dict[str, str] = {}
    for parent in reversed(parents):
        meta |= values_of(parent.meta)
    return {**meta, "parents": ",".join(dict.fromkeys(it.id for it in parents))}


def _following(
    entry: Entry,
    phase: Phase,
    moment: datetime | None,
    meta: Mapping[str, str],
    cause: tuple[str, ...],
    id: str,
    clock: Clock,
) -> list[Made]:
    batch = phase.batch
    ranged = batch is not None and batch.length is not None and moment is not None
    local = moment.replace(tzinfo=phase.zone) if moment else None
    moments: Sequence[datetime | None] = [local]
    if batch is not None and ranged and local is not None:
        moments = days(batch, local)
    above = Above(
        meta=meta,
        needed=entry.graph.needed(phase) | (FILE_KEYS if phase.files else frozenset()),
        dated=HOUR in meta or ranged,
    )
    drafts = expand(phase, moments, rows_of(batch) if batch else [{}], above)
    if "parents" in meta and len(phase.parents) > 1:
        drafts = [
            attrs.evolve(it, meta={**it.meta, "parents": meta["parents"]})
            for it in drafts
        ]
    if id:
        drafts = [*_told_apart(drafts, meta.get(ROW, ""))]
    return [_made(draft, cause, id, clock) for draft in drafts]


def _told_apart(drafts: Sequence[Draft], above: str) -> Iterator[Draft]:
    """Yield drafts whose meta says which of a batch they are: their id is one.

    It goes down to all that follows, which has that id as well; a batch below another
    one has its rows behind a dot.

    Args:
        drafts: Those of one event.
        above: What their parent says.
    """
    for it in drafts:
        parts = [above, str(it.row) if len(drafts) > 1 else ""]
        row = ".".join(filter(None, parts))
        yield attrs.evolve(it, meta={**it.meta, ROW: row}) if row else it


def _made(draft: Draft, cause: tuple[str, ...], id: str, clock: Clock) -> Made:
    phase = draft.phase
    task = Task.new(
        phase.type,
        draft.info,
        job=phase.job,
        meta=format_meta(draft.meta),
        id=id or None,
        clock=clock,
    )
    return Made(phase=phase, task=task, key=key_of(*cause, str(draft.row)))


def in_order(made: Sequence[Made], now: float) -> list[Claim]:
    """Return tasks as they are claimed, to be sent at once and in their order.

    Args:
        made: The tasks.
        now: The time of the store: they are due a moment before, one after the other.
    """
    return [
        attrs.evolve(it.claim, due=now - 1 + number / 1_000_000)
        for number, it in enumerate(made)
    ]


def identity(task: Task) -> tuple[str, ...]:
    """Return what tells a task from all others; it is the same when it comes again."""
    own = (task.type, task.job, task.id, task.created, task.info)
    return (*own, *_within(task))


def _within(task: Task) -> tuple[str, ...]:
    """Return which one of a batch, and of which phase of its name; few say so."""
    if ROW not in task.meta and NUMBER not in task.meta:
        return ()
    meta = values_of(task.meta)
    return (meta.get(ROW, ""), meta.get(NUMBER, ""))


def values_of(meta: str) -> dict[str, str]:
    """Read a meta string; of a key with several values the first counts."""
    found: dict[str, str] = {}
    for pair in meta.split("&"):
        if "%" in pair or "+" in pair:  # few have; the rest needs no decoding
            for key, values in parse_meta(pair).items():
                found.setdefault(key, values[0])
        elif pair:
            key, _, value = pair.partition("=")
            found.setdefault(key, value)
    return found


def deadline_key(phase: Phase, task: Task) -> str:
    """Return the key of the alert that a task is not done in time.

    Its retries have the same one: they are one piece of work.
    """
    cause = (phase.workflow, phase.key, task.id, task.info, *_within(task))
    return key_of("deadline", *cause)


def deadline_of(made: Made, topic: str, now: float, clock: Clock) -> Claim | None:
    """Return the alert that is sent unless the task is done by then."""
    deadline = made.phase.deadline
    if deadline is None or not topic:
        return None
    due = now + deadline.total_seconds()
    if due > LAST:
        return None
    text = f"not done within {_length(deadline)} after it was sent"
    task = alert(made.phase, text, clock, made.task.info, made.task.id)
    task.ended = f"{datetime.fromtimestamp(int(due), UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Claim(deadline_key(made.phase, made.task), topic, encode_task(task), due)


def alert(phase: Phase, text: str, clock: Clock, info: str = "", id: str = "") -> Task:
    """Return a done task that tells people what is wrong with a phase."""
    task = Task.new(phase.type, info, job=phase.job, id=id or None, clock=clock)
    task.meta = format_meta({"workflow": phase.workflow})
    task.result = Result.ALERT.value
    task.msg = f"{phase}: {text}"
    task.ended = clock.stamp()
    return task


def _length(length: timedelta) -> str:
    return format_duration(length)
