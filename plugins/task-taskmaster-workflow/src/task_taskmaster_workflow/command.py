"""`task workflow`: check, show, run, pause, resume, why, convert."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from task_rules.dates import read_date

from task_core.api import (
    CommandContext,
    Message,
    OptionError,
    Role,
    Task,
    UsageError,
    encode_task,
    format_meta,
    shown,
)
from task_taskmaster_workflow.by_hand import by_hand, lacking, read_meta
from task_taskmaster_workflow.checks import twins
from task_taskmaster_workflow.convert import convert
from task_taskmaster_workflow.find import find_phase, name_in
from task_taskmaster_workflow.firing import Draft
from task_taskmaster_workflow.folder import read_all, store_beside
from task_taskmaster_workflow.forecast import next_firings
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.phase import Phase
from task_taskmaster_workflow.read import Workflow
from task_taskmaster_workflow.running import Running
from task_taskmaster_workflow.show import as_json, dot, mermaid, tree
from task_taskmaster_workflow.svg import svg
from task_taskmaster_workflow.who import user
from task_taskmaster_workflow.why import why

if TYPE_CHECKING:
    from task_store import Store

HELP = """Look at files of workflows, and start one of their phases.

The taskmaster `workflow` runs them:
task launch --taskmaster workflow --taskmaster-path PATH --bus URL
"""
STDOUT = ("stdio", "stdout")
"""Buses that write tasks to stdout."""
NO_ALERT = "no_alert does nothing: what fails for good is never told as an alert"
FORMATS = ("tree", "mermaid", "dot", "svg", "json")
PATH = click.Path(path_type=Path)
STORE = click.option("--store", default=None, help="That of the taskmaster.")


def make() -> click.Command:
    """Return the command."""
    return command


@click.group(help=HELP)
def command() -> None:
    """Hold the commands together."""


@command.command("check")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=PATH)
def check(paths: tuple[Path, ...]) -> None:
    """Tell all that is wrong with files, and when their phases fire next.

    Exit code 2 when something is.
    """
    files = [file for path in paths for file in read_all(path).values()]
    now = datetime.now(UTC).replace(microsecond=0)
    for file in files:
        if file.workflow:
            click.echo(shown("\n".join(_report(file.workflow, now)), lines=True))
    problems = [problem for file in files for problem in file.told]
    if problems:
        raise OptionError(problems)


def _report(workflow: Workflow, now: datetime) -> list[str]:
    phases = workflow.phases
    count = "1 phase" if len(phases) == 1 else f"{len(phases)} phases"
    lines = [f"{workflow.name}: {count}"]
    width = max(len(name_in(workflow, phase)) for phase in phases)
    graph = Graph(phases)
    for phase in phases:
        next_ = "  ".join(it.isoformat(" ") for it in next_firings(phase, now))
        if phase.parents:
            next_ = " ".join(filter(None, [next_, f"after {', '.join(phase.parents)}"]))
        if phase.files:
            next_ = " ".join(filter(None, [next_, f"files {phase.files}"]))
        lines.append(
            f"  {name_in(workflow, phase):{width}}  {next_ or _by_hand(phase)}"
        )
        if same := twins(graph, phase):
            lines.append(f"  {'':{width}}  {same}: write {{meta:key}} in its template")
        if phase.no_alert:
            lines.append(f"  {'':{width}}  {NO_ALERT}")
    return lines


def _by_hand(phase: Phase) -> str:
    """Return what starts a phase that nothing else does."""
    if phase.batch and phase.batch.meta_file:
        return "only by hand"  # its rows are known when it starts
    known = dict.fromkeys(phase.batch.provides, "") if phase.batch else {}
    asked = " ".join(f"--meta {key}=..." for key in lacking(phase, [known]))
    return f"only by hand, with {asked}" if asked else "only by hand"


@command.command("show")
@click.argument("path", type=PATH)
@click.option("--at", metavar="DATE", help="Fill in all templates for that date.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="tree",
    show_default=True,
    help="How to draw it.",
)
def show(path: Path, at: str | None, format_: str) -> None:
    """Draw the phases of a file or of a folder's files."""
    for workflow in _usable(path):
        moment = _date(at, workflow) if at else None
        if format_ == "json":
            drawn = as_json(workflow, moment, datetime.now(UTC))
        else:
            draw = {"tree": tree, "mermaid": mermaid, "dot": dot, "svg": svg}[format_]
            drawn = draw(workflow, moment)
        click.echo(shown(drawn, lines=True))


@command.command("run")
@click.argument("path", type=PATH)
@click.argument("phase")
@click.option("--at", metavar="DATE", help="The date that it is about; now.")
@click.option("--bus", "url", default="", metavar="URL", help="As in task launch.")
@click.option("--meta", multiple=True, metavar="KEY=VALUE", help="As a parent has it.")
@click.option("--dry-run", is_flag=True, help="Show it, and send nothing.")
@click.pass_obj
def run(
    context: CommandContext,
    path: Path,
    phase: str,
    at: str | None,
    url: str,
    meta: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Start a phase by hand; what follows it follows.

    PHASE is `type` or `type:job`, or `file.toml/type:job` where several files have it;
    `type#2` is the second one of that name in a file.
    """
    workflow, found = find_phase(_usable(path), phase)
    moment = _date(at, workflow) if at else datetime.now(workflow.zone)
    try:
        drafts = by_hand(workflow, found, moment, read_meta(meta))
    except ValueError as error:
        raise UsageError(str(error)) from None
    tasks = [_task(draft) for draft in drafts]
    sent_to = "" if dry_run else _send(context, url, tasks)
    for task in tasks:
        text = shown(f"{task.id}  {found.name}  {task.info}")
        click.echo(text, err=sent_to in STDOUT)  # which then has the tasks alone


def _task(draft: Draft) -> Task:
    phase = draft.phase
    meta = format_meta(draft.meta)
    return Task.new(phase.type, draft.info, job=phase.job, meta=meta)


def _send(context: CommandContext, url: str, tasks: list[Task]) -> str:
    """Send tasks; return the name of the bus."""
    bus = context.open_bus(url, role=Role.OUT)
    try:
        bus.producer().send([Message(it.type, encode_task(it)) for it in tasks])
        return bus.name
    finally:
        bus.close()


@command.command("pause")
@click.argument("path", type=PATH)
@click.argument("phase")
@click.option("--note", default="", help="Why; `task workflow why` tells it.")
@STORE
def pause(path: Path, phase: str, note: str, store: str | None) -> None:
    """Let the cron of a phase rest until `task workflow resume`.

    Then its `missed` says what is made up for. PHASE as in `task workflow run`.
    """
    _, found = find_phase(_usable(path), phase)
    if not found.crons:
        raise UsageError(f"{found} has no cron that could rest: end what starts it")
    with _store(path, store) as opened:
        made = opened.missing
        new = opened.pauses.pause(found.pause, user(), note)
    click.echo(f"{found} {'rests' if new else 'rests already'}", err=True)
    if made:  # before the first start, or its name is mistyped
        click.echo(f"{opened.name} is new: the taskmaster must use it too", err=True)


@command.command("resume")
@click.argument("path", type=PATH)
@click.argument("phase")
@click.option("--lost", is_flag=True, help="Wait for none of its tasks any more.")
@STORE
def resume(path: Path, phase: str, *, lost: bool, store: str | None) -> None:
    """Let a phase go on that rests.

    With --lost the next firing waits for none of its tasks that are not done, as its
    `overlap` says: those that were put aside are never done.
    """
    _, found = find_phase(_usable(path), phase)
    with _store(path, store) as opened:
        _check_there(opened)
        rested = opened.pauses.resume(found.pause)
        gone = [*Running(opened).since(found)] if lost else []
        Running(opened).end((found, id_) for id_ in gone)
    click.echo(f"{found} {'goes on' if rested else 'did not rest'}", err=True)
    for id_ in gone:
        click.echo(shown(f"{found} waits no longer for its task {id_}"), err=True)


@command.command("why")
@click.argument("path", type=PATH)
@click.argument("id")
@click.argument("phase")
@STORE
def why_(path: Path, id: str, phase: str, store: str | None) -> None:
    """Tell what a phase waits for in the run of an id, or when it was sent.

    ID is that of a task before it, or its own; PHASE as in `task workflow run`. Exit
    code 2 when nothing is known of the id.
    """
    workflow, found = find_phase(_usable(path), phase)
    with _store(path, store) as opened:
        _check_there(opened)
        click.echo(shown("\n".join(why(opened, workflow, found, id)), lines=True))


def _check_there(store: "Store") -> None:
    """Refuse a store that the first use would make: nothing can be in it."""
    if store.missing:
        text = "is not there: name that of the taskmaster with --store"
        raise UsageError(f"{store.name} {text}")


@contextmanager
def _store(path: Path, url: str | None) -> "Iterator[Store]":
    from task_store import open_store

    opened = open_store(store_beside(path) if url is None else url)
    try:
        yield opened
    finally:
        opened.close()


@command.command("convert")
@click.argument("path", type=PATH)
def convert_(path: Path) -> None:
    """Write a file of flowlord in our own spelling, to stdout."""
    for workflow in _usable(path):
        click.echo(convert(workflow), nl=False)


def _usable(path: Path) -> list[Workflow]:
    """Return what files say, when they can be used; the rest is told on stderr."""
    files = list(read_all(path).values())
    found = [file.workflow for file in files if file.workflow]
    problems = [problem for file in files for problem in file.serious]
    if problems and not found:
        raise OptionError(problems)
    for problem in problems:
        click.echo(shown(problem), err=True)
    return found


def _date(text: str, workflow: Workflow) -> datetime:
    try:
        return read_date(text, workflow.zone)
    except ValueError as error:
        raise UsageError(f"--at {error}") from None
