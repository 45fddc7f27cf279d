"""One rule: what it sends, and when."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

import attrs
from task_rules import template as templates
from task_rules.missed import Missed
from task_rules.moments import HOUR, hour_text, shifted
from task_rules.schedule import Schedule

from task_core.api import Clock, Task, format_meta


@attrs.frozen(kw_only=True, eq=False)
class Rule:
    """One rule of the file.

    Args:
        number: Its place in the file, from 1.
        cron: When it fires, as written, without its zone.
        schedule: When it fires.
        zone: On whose clock.
        type, job: Of its tasks.
        topic: Where they go.
        template: Of their info.
        offset: From the firing to the time that the template is about.
        meta: Of the tasks, beside the hour.
        missed: Which firings to make up for.
    """

    number: int
    cron: str
    schedule: Schedule
    zone: tzinfo
    type: str
    job: str
    topic: str
    template: str
    offset: timedelta
    meta: Mapping[str, str]
    missed: Missed

    @property
    def key(self) -> str:
        """Stands for the rule from run to run: it changes with all but `missed`."""
        values = attrs.asdict(self, filter=_makes_a_rule, recurse=False)
        text = json.dumps(values, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def task(self, firing: datetime, clock: Clock) -> Task:
        """Make the task of a firing.

        Args:
            firing: When it is due, also when it comes late.
            clock: Where `created` comes from.
        """
        moment = shifted(firing, self.offset, self.zone)
        meta = {**self.meta, HOUR: hour_text(moment)}
        return Task.new(
            self.type,
            templates.expand(self.template, moment, meta),
            job=self.job,
            meta=format_meta(meta),
            clock=clock,
        )

    def __str__(self) -> str:
        return f"rule {self.number} ({self.type}, {self.cron})"


def _makes_a_rule(field: "attrs.Attribute[Any]", _: Any) -> bool:
    return field.name not in ("number", "schedule", "missed")
