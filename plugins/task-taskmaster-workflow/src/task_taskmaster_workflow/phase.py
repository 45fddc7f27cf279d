"""One phase of a workflow: what it sends, and what it waits for."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

import attrs
from task_rules import template as templates
from task_rules.dates import By
from task_rules.missed import Missed
from task_rules.schedule import Schedule

from task_core.api import Task

FILE_KEYS = frozenset({"file", "filename"})
"""Keys of meta that a file which starts a phase brings."""
ROW = "batch_row"
"""The key of meta that tells tasks of a batch apart which share their parent's id."""
NUMBER = "phase_number"
"""The key of meta that names the second phase of a name, and those behind it."""


class On(StrEnum):
    """Which results of a parent a phase follows."""

    COMPLETE = "complete"
    WARN = "warn"
    ERROR = "error"
    """It failed for good: its retries are over, or it was an alert."""
    ANY = "any"


class Overlap(StrEnum):
    """What becomes of a firing while the task of the one before is not done."""

    ALLOW = "allow"
    SKIP = "skip"
    WAIT = "wait"


@attrs.frozen(kw_only=True)
class Cron:
    """One time to fire.

    Args:
        text: As it is written, without its zone.
        schedule: When that is.
        zone: On whose clock.
    """

    text: str
    schedule: Schedule = attrs.field(eq=False)
    zone: tzinfo

    def after(self, moment: datetime) -> datetime | None:
        """Return the first firing after a moment."""
        return self.schedule.after(moment)


@attrs.frozen(kw_only=True)
class Batch:
    """Several tasks for one event.

    Args:
        meta: Values of each key: the first of each make the first task.
        product: Each value with each instead.
        by: The step between dates.
        length: From the event to the last date; None for one date.
        meta_file: JSON lines, CSV or Parquet, each row the values of a task.
        max_tasks: How many there may be.
    """

    meta: Mapping[str, tuple[str, ...]] = {}
    product: bool = False
    by: By = By.DAY
    length: timedelta | None = None
    meta_file: str = ""
    max_tasks: int = 10_000

    @property
    def provides(self) -> set[str]:
        """The keys that its tasks have; those of a file are not known."""
        return set(self.meta)

    @property
    def fewest(self) -> int:
        """How many tasks each of its dates has; those of a file are not known."""
        counts = [len(values) for values in self.meta.values()]
        return math.prod(counts) if self.product else max(counts, default=1)

    @property
    def mismatch(self) -> str:
        """What is wrong with the numbers of values, or nothing."""
        counts = {key: len(values) for key, values in self.meta.items()}
        if self.product or len(set(counts.values())) < 2:
            return ""
        told = ", ".join(f"{key} has {count}" for key, count in counts.items())
        advice = "give each as many, or ask for each with each by product"
        return f"meta has unequal lengths: {told}: {advice}"


@attrs.frozen(kw_only=True, eq=False)
class Phase:
    """One phase.

    Args:
        workflow: The file that it stands in, as in the meta of tasks.
        line: Where it begins there.
        type, job: Of its tasks.
        template: Of their info.
        meta: Values that they always have.
        crons: When it fires by itself.
        zone: Of its dates.
        offset: From a firing to the date that a task is about.
        missed, missed_window: Which firings to make up for, and how old ones.
        overlap: What becomes of a firing while the one before is at work.
        files: A pattern of files that start it, when a topic tells of them.
        manual: It is only started by hand.
        parents: What it follows; all of them.
        on: Which of their results.
        join, join_within: Which of their tasks belong together; how long to wait.
        require: Keys of meta that a parent must bring.
        keep: Keys of meta that go down to descendants, beside those they ask for.
        batch: Several tasks for one event.
        retry, retry_delay, retry_max: How often, after how long, at most how long.
        deadline: How long after its sending it must be done.
        no_alert: Does nothing: a failure for good goes to the topic of failed tasks,
            and never is an alert. It is there for files of flowlord.
        ordinal: How many of its name stand before it.
    """

    workflow: str
    line: int
    type: str
    job: str
    template: str
    meta: Mapping[str, str]
    crons: tuple[Cron, ...]
    zone: tzinfo
    offset: timedelta
    missed: Missed
    missed_window: timedelta | None
    overlap: Overlap
    files: str
    manual: bool
    parents: tuple[str, ...]
    on: frozenset[On]
    join: str
    join_within: timedelta | None
    require: tuple[str, ...]
    keep: tuple[str, ...]
    batch: Batch | None
    retry: int
    retry_delay: timedelta
    retry_max: timedelta
    deadline: timedelta | None
    no_alert: bool
    ordinal: int = 0

    @property
    def name(self) -> str:
        """`type:job`, or `type`."""
        return f"{self.type}:{self.job}" if self.job else self.type

    @property
    def asks_for(self) -> list[str]:
        """The keys of meta that its template, its join and its gate look at."""
        found = [*templates.keys(self.template), *templates.keys(self.join)]
        return list(dict.fromkeys([*found, *self.require]))

    @property
    def key(self) -> str:
        """Stands for the phase in the keys of claims, from run to run.

        It does not change with its words: what was claimed before a file was edited
        is not claimed again afterwards.
        """
        return f"{self.name}#{self.ordinal}" if self.ordinal else self.name

    @property
    def pause(self) -> str:
        """What the store calls it while it rests."""
        return f"workflow {self.workflow} {self.key}"

    @property
    def runs(self) -> str:
        """Where the store keeps which of its tasks are not done."""
        return f"workflow runs {self.workflow} {self.key}"

    def __str__(self) -> str:
        return f"{self.workflow} {self.name}"


def matches(ref: str, type: str, job: str) -> bool:
    """Whether `type` or `type:job` in `dependsOn` means a task."""
    wanted, _, its_job = ref.partition(":")
    return wanted == type and (not its_job or its_job == job)


def job_of(task: Task, meta: Mapping[str, str]) -> str:
    """Return the job of a task, which older ones have in their meta only."""
    return task.job or meta.get("job", "")
