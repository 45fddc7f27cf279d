"""What `task backload` does: lists, stops, shows, makes and sends plans."""

import contextlib
import io
import json
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import click
from task_store import Store, open_store
from task_store.plans import State

from task_core.api import (
    CommandContext,
    OptionError,
    Role,
    UsageError,
    closed_when_told,
    decode_task,
    shown,
)
from task_taskmaster_workflow.backload import make_backload
from task_taskmaster_workflow.backload_ending import told, told_when_ended
from task_taskmaster_workflow.backload_request import Request
from task_taskmaster_workflow.backload_stop import cancel, pause
from task_taskmaster_workflow.backload_words import (
    again,
    check_store,
    check_words,
    other_store,
    read_hours,
    read_meta,
    read_rate,
    store_url,
)
from task_taskmaster_workflow.folder import read_all
from task_taskmaster_workflow.in_flight import InFlight
from task_taskmaster_workflow.read import Workflow
from task_taskmaster_workflow.sending import (
    Progress,
    progress_of,
    save_plan,
    send_plan,
)
from task_taskmaster_workflow.who import user


def run(
    context: CommandContext, given: Mapping[str, str], words: Mapping[str, Any]
) -> None:
    """Do one of: list, cancel, pause, show, plan, send.

    Args:
        context: Opens the bus.
        given: The words that are there, by their names here, as people write them.
        words: What the command line says.
    """
    check_words(given)
    if words["list_"] or words["plan"]:
        check_store(words)
    store = open_store(store_url(words))
    with closed_when_told(), contextlib.closing(store):
        _Command(context, store, words).run()


class _Command:
    """One call.

    Args:
        context: Opens the bus.
        store: Where plans are.
        words: What the command line says.
    """

    def __init__(
        self, context: CommandContext, store: Store, words: Mapping[str, Any]
    ) -> None:
        self._context = context
        self._store = store
        self._words = words

    def run(self) -> None:
        """Do what is asked for."""
        words = self._words
        if words["list_"]:
            self._list()
        elif words["plan"]:
            self._go_on(words["plan"])
        elif words["task"]:
            self._plan()
        else:
            raise UsageError("name a TASK, or --plan ID; --list shows all plans")

    def _list(self) -> None:
        for plan in self._store.plans.all():
            progress = progress_of(self._store, plan.plan)
            made = datetime.fromtimestamp(int(plan.made), UTC).isoformat()
            task = json.loads(plan.parameters)["task"]
            done = f"{progress.sent}/{progress.total}"
            if progress.failed:
                done += f", {progress.failed} failed"
            line = f"{plan.plan}  {made}  {plan.state:9}  {done:>11}  {task}"
            click.echo(shown(line))

    def _go_on(self, plan: str) -> None:
        if self._store.plans.get(plan) is None:
            text = f"there is no plan {plan!r} in {self._store.name}"
            raise UsageError(f"{text}: --list shows all of it; or {other_store()}")
        if self._words["cancel"] or self._words["pause"]:
            stop = cancel if self._words["cancel"] else pause
            for line in stop(self._context, self._store, plan, self._words):
                click.echo(shown(line), err=True)
        elif not self._words["send"]:
            self._show(plan)
        elif progress_of(self._store, plan).state == State.CANCELLED:
            raise UsageError(f"plan {plan} is cancelled, and stays so: make a new one")
        else:
            self._send(plan)

    def _plan(self) -> None:
        """Make a plan, print it, and send it if that is asked for."""
        read_rate(self._words["rate"])  # a plan with a wrong one would stay behind
        if self._words["only"] != "all":
            only = self._words["only"]
            text = (
                f"--only {only} needs a history of done tasks, and there is none here"
            )
            raise UsageError(f"{text}: leave it out to plan all of them")
        if self._words["path"] is None and not self._words["template"]:
            text = f"no template found for {self._words['task']}"
            raise UsageError(f"{text}: give --path with its file, or --template")
        request = self._request()
        backload = make_backload(request, self._workflows(), datetime.now(UTC))
        for note in backload.notes:
            click.echo(shown(note), err=True)
        tasks = backload.tasks()
        if not tasks:
            raise UsageError(f"there is nothing to send: {backload.why_empty}")
        plan = uuid.uuid4().hex[:8]
        parameters = json.dumps(attrs.asdict(request), sort_keys=True)
        save_plan(self._store, plan, parameters, tasks, user())
        self._show(plan)
        words = again(plan, self._words)
        if self._words["send"]:
            click.echo(shown(f"if it is ended early, go on with: {words}"), err=True)
            self._send(plan)
        else:
            where = "" if self._words["url"] else "; with --bus as for the taskmaster"
            text = f"{_count(len(tasks))}, nothing is sent{where}: {words}"
            click.echo(shown(text), err=True)

    def _workflows(self) -> list[Workflow]:
        path = self._words["path"]
        if path is None:
            return []
        files = read_all(path).values()
        if problems := [line for file in files for line in file.serious]:
            raise OptionError(problems)
        return [file.workflow for file in files if file.workflow]

    def _request(self) -> Request:
        words = self._words
        return Request(
            task=words["task"],
            template=words["template"],
            start=words["start"],
            end=words["end"],
            at=words["at"],
            by=words["by"],
            meta=read_meta(words["meta"]),
            meta_file=words["meta_file"],
            product=words["product"],
            newest=words["order"] == "newest",
            on_hours=read_hours("on-hours", words["on_hours"]),
            off_hours=read_hours("off-hours", words["off_hours"]),
            every=words["every"],
            most=words["max_tasks"],
        )

    def _show(self, plan: str) -> None:
        for item in self._store.plans.items(plan):
            task = decode_task(item.body)
            name = f"{task.type}:{task.job}" if task.job else task.type
            note = f"  ({item.note})" if item.note else ""
            line = f"{item.n:6}  {item.state:9}  {name}  {task.info}{note}"
            # With --send tasks may go to stdout, which then has them alone.
            click.echo(shown(line.rstrip()), err=self._words["send"])

    def _send(self, plan: str) -> None:
        words, store = self._words, self._store
        rate, most = read_rate(words["rate"]), words["max_in_flight"]
        role = Role.BOTH if most else Role.OUT
        bus = self._context.open_bus(words["url"], role=role)
        try:
            topic = words["done_topic"]
            flying = InFlight(store, bus, plan, topic, most) if most else None
            with (
                told_when_ended(store, plan, words),
                _bar(progress_of(store, plan), flying) as bar,
            ):

                def tell(progress: Progress) -> None:
                    bar.update(_done(progress, flying) - bar.pos)

                done = send_plan(
                    store, bus, plan, rate=rate, in_flight=flying, tell=tell
                )
        finally:
            bus.close()
        click.echo(told(plan, done), err=True)


def _done(progress: Progress, flying: InFlight | None) -> int:
    return progress.done + progress.failed if flying else progress.sent


def _bar(progress: Progress, flying: InFlight | None) -> Any:
    """Return a bar where somebody watches."""
    place = sys.stderr if sys.stderr.isatty() else io.StringIO()
    label = "done" if flying else "sending"
    return click.progressbar(length=progress.total, label=label, file=place)


def _count(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"
