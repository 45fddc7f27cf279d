"""The taskmaster: waits for a firing, sends its task, writes that down."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from task_rules.missed import Missed
from task_rules.moments import whole_second

from task_core.api import OptionError, Taskmaster, TaskmasterContext, shown
from task_taskmaster_cron.agenda import LATE, Agenda, Entry
from task_taskmaster_cron.by_file import FileLedger
from task_taskmaster_cron.ledger import Ledger
from task_taskmaster_cron.options import Options
from task_taskmaster_cron.rule import Rule
from task_taskmaster_cron.rules import read_rules
from task_taskmaster_cron.state import StateFile

LOOK_EVERY = 60.0
"""Longest wait without a look at the clock, in seconds."""


def make_taskmaster(options: Options) -> Taskmaster:
    """Read rules and state, and make the taskmaster.

    Raises:
        OptionError: They cannot be read, or are wrong.
        FrameworkError: The store is none, or what it needs is not installed.
    """
    missed = Missed(options.missed)
    rules = read_rules(options.rules, timezone=options.timezone, missed=missed)
    if options.dry_run:
        return Rehearsal(rules, options.dry_run)
    state = StateFile(options.state or options.rules.with_suffix(".state.json"))
    if options.store is None:
        return CronTaskmaster(rules, FileLedger(state))
    lease = options.takeover.total_seconds()
    return CronTaskmaster(rules, _store_ledger(options.store, lease, state))


def _store_ledger(url: str, lease: float, state: StateFile) -> Ledger:
    try:
        # Most have one instance; a store takes half a second to load.
        from task_store import open_store

        from task_taskmaster_cron.by_store import StoreLedger
    except ImportError as error:
        text = "option store needs more: pip install 'task-taskmaster-cron[store]'"
        raise OptionError([f"{text} ({error})"]) from None
    return StoreLedger(open_store(url, lease=lease), state.load())


class CronTaskmaster(Taskmaster):
    """Sends tasks at the times that rules tell.

    Args:
        rules: The rules.
        ledger: How firings are sent and written down.
    """

    def __init__(self, rules: Sequence[Rule], ledger: Ledger) -> None:
        self._rules = rules
        self._ledger = ledger
        self._agenda: Agenda | None = None
        self._latest: datetime | None = None

    def run(self, ctx: TaskmasterContext) -> None:
        """Fire until stopped, or until no rule fires any more.

        Raises:
            OptionError: The state cannot be written, or another one uses it.
            BusError: A task cannot be sent; it is sent after the restart.
        """
        with self._ledger.opened(ctx):
            self._go_on(ctx, self._begin(ctx))

    def info(self) -> Mapping[str, Any]:
        """Return the rules, each with its last and next firing in its own zone."""
        entries = self._agenda.entries if self._agenda else ()
        return {"rules": [_facts(entry) for entry in entries]}

    def _begin(self, ctx: TaskmasterContext) -> Agenda:
        now = whole_second(ctx.clock)
        # Again, and not that of the start: another one may have used it until now.
        done = self._ledger.load()
        self._agenda = agenda = Agenda(self._rules, done, now)
        self._heed_clock(ctx, agenda, now)
        self._ledger.begin(agenda)
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
                # Not until that moment: clocks get set, and machines sleep.
                left = min(firing.timestamp() - ctx.clock.time(), LOOK_EVERY)
                ctx.wait(self._ledger.rest(agenda, left))
            elif not self._is_passed(ctx, agenda, firing, now):
                task = entry.rule.task(firing, ctx.clock)
                self._ledger.fire(agenda, entry, firing, task)

    def _is_passed(
        self, ctx: TaskmasterContext, agenda: Agenda, firing: datetime, now: datetime
    ) -> bool:
        """Whether the first firing is none any more: it was missed, or another's."""
        if now - firing <= LATE:
            return False
        if self._ledger.behind(agenda):
            self._latest = None  # what another clock has written may be yet to come
            self._heed_clock(ctx, agenda, now)
        first = agenda.first()
        if first is None or first[0] != firing:
            return True
        entry = first[1]
        if not agenda.pass_missed(now):
            return False
        self._ledger.passed(entry)
        text = "%s missed firings since %s and goes on with that of %s"
        ctx.log.warning(text, entry.rule, firing, entry.next)
        return True

    def _heed_clock(
        self, ctx: TaskmasterContext, agenda: Agenda, now: datetime
    ) -> None:
        """Go on from now when the clock was ahead for a while, then or now."""
        if self._latest is not None and now >= self._latest:
            self._latest = now
            return
        self._latest = now
        restarted = agenda.restart(now)
        for entry, done in restarted:
            why = "is yet to come" if done > now else "is out of its zone's calendar"
            text = "%s is done up to %s, which %s: the clock was wrong, %s"
            ctx.log.warning(text, entry.rule, done, why, "and it goes on from now")
        if restarted:
            self._ledger.restarted(restarted)


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
            print(shown(line.rstrip()))
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
