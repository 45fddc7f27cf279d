"""The taskmaster: waits for a firing, sends its task, writes that down."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from task_rules.moments import whole_second

from task_core.api import OptionError, Taskmaster, TaskmasterContext
from task_taskmaster_cron.agenda import Agenda, Entry
from task_taskmaster_cron.options import Options
from task_taskmaster_cron.rule import Rule
from task_taskmaster_cron.rules import read_rules
from task_taskmaster_cron.state import StateFile

LOOK_EVERY = 60.0
"""Longest wait without a look at the clock, in seconds."""
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
        state.load()  # what is wrong with it is told before anything begins
        self._agenda: Agenda | None = None
        self._latest: datetime | None = None
        self._saved_at = 0.0
        self._unsaved = False

    def run(self, ctx: TaskmasterContext) -> None:
        """Fire until stopped, or until no rule fires any more.

        Raises:
            OptionError: The state cannot be written, or another one uses it.
            BusError: A task cannot be sent; it is sent after the restart.
        """
        with self._state.locked():
            agenda = self._begin(ctx)
            try:
                self._go_on(ctx, agenda)
            finally:
                self._save(ctx, agenda)

    def info(self) -> Mapping[str, Any]:
        """Return the rules, each with its last and next firing in its own zone."""
        entries = self._agenda.entries if self._agenda else ()
        return {"rules": [_facts(entry) for entry in entries]}

    def _begin(self, ctx: TaskmasterContext) -> Agenda:
        now = whole_second(ctx.clock)
        # Again, and not that of the start: another one may have used it until now.
        done = self._state.load()
        self._agenda = agenda = Agenda(self._rules, done, now)
        self._heed_clock(ctx, agenda, now)
        try:
            self._write(ctx, agenda)
        except OSError as error:
            text = f"cannot write {self._state}: {error.strerror}: choose another place"
            raise OptionError([text]) from None
        return agenda

    def _go_on(self, ctx: TaskmasterContext, agenda: Agenda) -> None:
        while not ctx.stopping:
            now = whole_second(ctx.clock)
            self._heed_clock(ctx, agenda, now)
            first = agenda.first()
            if first is None:
                ctx.log.info("no rule fires any more")
                return
            firing, entry = first
            if firing > now:
                self._save(ctx, agenda)
                # Not until that moment: clocks get set, and machines sleep.
                left = firing.timestamp() - ctx.clock.time()
                ctx.wait(min(left, LOOK_EVERY))
            elif agenda.pass_missed(now):
                self._unsaved = True
                text = "%s missed firings since %s and goes on with that of %s"
                ctx.log.warning(text, entry.rule, firing, entry.next)
            else:
                self._fire(ctx, agenda, firing, entry)

    def _heed_clock(
        self, ctx: TaskmasterContext, agenda: Agenda, now: datetime
    ) -> None:
        """Go on from now when the clock was ahead for a while, then or now."""
        if self._latest is not None and now >= self._latest:
            self._latest = now
            return
        self._latest = now
        for entry, done in agenda.restart(now):
            self._unsaved = True
            text = "%s is done up to %s, which is yet to come: the clock was wrong, %s"
            ctx.log.warning(text, entry.rule, done, "and it goes on from now")

    def _fire(
        self, ctx: TaskmasterContext, agenda: Agenda, firing: datetime, entry: Entry
    ) -> None:
        task = entry.rule.task(firing, ctx.clock)
        ctx.send(task, entry.rule.topic)
        agenda.done(firing)
        self._unsaved = True
        ctx.log.info("%s fired: %s", entry.rule, task.info)
        if ctx.clock.monotonic() - self._saved_at >= SAVE_EVERY:
            self._save(ctx, agenda)

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
            agenda.done(firing)


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
