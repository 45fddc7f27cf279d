"""The taskmaster: waits for a firing, sends its task, writes that down."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from task_core.api import OptionError, Taskmaster, TaskmasterContext
from task_taskmaster_cron.agenda import Agenda, Entry, whole_second
from task_taskmaster_cron.plugin import Options
from task_taskmaster_cron.rule import Rule
from task_taskmaster_cron.rules import read_rules
from task_taskmaster_cron.state import StateFile

SAVE_EVERY = 1.0
"""Seconds between two writes of the state while many firings are made up for."""


def make_taskmaster(options: Options) -> Taskmaster:
    """Read rules and state, and make the taskmaster.

    Raises:
        OptionError: They cannot be read, or are wrong.
    """
    rules = read_rules(options.rules, timezone=options.timezone, missed=options.missed)
    if options.dry_run:
        return Rehearsal(rules, options.dry_run)
    path = options.state or options.rules.with_suffix(".state.json")
    return CronTaskmaster(rules, StateFile(path))


class CronTaskmaster(Taskmaster):
    """Sends tasks at the times that rules tell.

    A firing is written down after the bus has confirmed its task: a crash in between
    sends it again, and never loses it.

    Args:
        rules: The rules.
        state: Where it is written down.
    """

    def __init__(self, rules: Sequence[Rule], state: StateFile) -> None:
        self._rules = rules
        self._state = state
        self._done = state.load()
        self._agenda: Agenda | None = None
        self._saved_at = 0.0
        self._unsaved = False

    def run(self, ctx: TaskmasterContext) -> None:
        """Fire until stopped, or until no rule fires any more.

        Raises:
            OptionError: The state cannot be written.
            BusError: A task cannot be sent; it is sent after the restart.
        """
        agenda = self._begin(ctx)
        try:
            while not ctx.stopping:
                self._pass_missed(ctx, agenda)
                first = agenda.first()
                if first is None:
                    ctx.log.info("no rule fires any more")
                    return
                self._proceed(ctx, agenda, *first)
        finally:
            self._save(ctx, agenda)

    def info(self) -> Mapping[str, Any]:
        """Return the rules, each with its last and next firing in its own zone."""
        entries = self._agenda.entries if self._agenda else ()
        return {"rules": [_facts(entry) for entry in entries]}

    def _begin(self, ctx: TaskmasterContext) -> Agenda:
        now = whole_second(ctx.clock)
        self._agenda = agenda = Agenda(self._rules, self._done, now)
        for entry in agenda.entries:
            if entry.done > now:
                text = "%s is done up to %s, which is yet to come: is the clock right?"
                ctx.log.warning(text, entry.rule, entry.done)
        try:
            self._write(ctx, agenda)
        except OSError as error:
            text = f"cannot write {self._state}: {error.strerror}: choose another place"
            raise OptionError([text]) from None
        return agenda

    def _pass_missed(self, ctx: TaskmasterContext, agenda: Agenda) -> None:
        now = whole_second(ctx.clock)
        for entry in agenda.entries:
            since = entry.next
            if entry.pass_missed(now):
                self._unsaved = True
                text = "%s missed firings since %s and goes on with that of %s"
                ctx.log.warning(text, entry.rule, since, entry.next)

    def _proceed(
        self, ctx: TaskmasterContext, agenda: Agenda, firing: datetime, entry: Entry
    ) -> None:
        """Fire, or wait for it; then look again: a machine may sleep meanwhile."""
        if firing <= whole_second(ctx.clock):
            self._fire(ctx, entry, firing)
            if ctx.clock.monotonic() - self._saved_at >= SAVE_EVERY:
                self._save(ctx, agenda)
        else:
            self._save(ctx, agenda)
            ctx.wait_until(firing)

    def _fire(self, ctx: TaskmasterContext, entry: Entry, firing: datetime) -> None:
        task = entry.rule.task(firing, ctx.clock)
        ctx.send(task, entry.rule.topic)
        entry.go_on(firing)
        self._unsaved = True
        ctx.log.info("%s fired: %s", entry.rule, task.info)

    def _save(self, ctx: TaskmasterContext, agenda: Agenda) -> None:
        """Write the state; when that fails, say so and try again after the next one."""
        if not self._unsaved:
            return
        try:
            self._write(ctx, agenda)
        except OSError as error:
            text = "cannot write %s: %s: a restart would fire again"
            ctx.log.error(text, self._state, error.strerror)  # noqa: TRY400  no bug

    def _write(self, ctx: TaskmasterContext, agenda: Agenda) -> None:
        self._saved_at = ctx.clock.monotonic()
        self._state.save(agenda.progress)
        self._unsaved = False


class Rehearsal(Taskmaster):
    """Shows what would be sent next, and sends nothing (`--taskmaster-dry-run`).

    Args:
        rules: The rules.
        count: How many firings to show.
    """

    def __init__(self, rules: Sequence[Rule], count: int) -> None:
        self._rules = rules
        self._count = count

    def run(self, ctx: TaskmasterContext) -> None:
        """Print one line for each firing: when, which topic, which info."""
        agenda = Agenda(self._rules, {}, whole_second(ctx.clock))
        for _ in range(self._count):
            first = agenda.first()
            if first is None:
                return
            firing, entry = first
            task = entry.rule.task(firing, ctx.clock)
            line = f"{_local(entry, firing)}  {entry.rule.topic}  {task.info}"
            print(line.rstrip())
            entry.go_on(firing)


def _facts(entry: Entry) -> dict[str, Any]:
    rule = entry.rule
    return {
        "rule": rule.number,
        "cron": rule.cron,
        "timezone": str(rule.zone),
        "type": rule.type,
        "topic": rule.topic,
        "done": _local(entry, entry.done),
        "next": _local(entry, entry.next) if entry.next else "",
    }


def _local(entry: Entry, moment: datetime) -> str:
    return moment.astimezone(entry.rule.zone).isoformat()
