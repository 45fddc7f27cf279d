"""`task up [FILE]`: starts what a TOML file names, and keeps it running."""

from collections.abc import Sequence

import click

from task_command_up.options import UpOptions
from task_core.api import CommandContext, Launch, OptionError, Supervised

HELP = """Run all workers and taskmasters of a TOML file, each as a process.

Every table [up.NAME] is a 'task launch'; its keys are the flags, with underscores. A
process that fails is started again. SIGTERM or Ctrl-C stops all of them cleanly, a
second one at once. FILE is ./task.toml when not given.
"""


def make() -> click.Command:
    """Return the command."""
    return command


@click.command(help=HELP)
@click.argument("file", required=False, default="")
@click.option("--only", multiple=True, metavar="NAME", help="Run only this; repeat.")
@click.pass_context
def command(ctx: click.Context, file: str, only: Sequence[str]) -> None:
    """Run it, and exit as it ended."""
    context: CommandContext = ctx.obj
    launches = _chosen(context.launches("up", UpOptions, file), only)
    _refuse_pipes(launches)
    _refuse_shared_addresses(launches)
    programs = [
        Supervised(launch=one, name=name, restart=one.own.restart)
        for one in launches
        for name in _names(one)
    ]
    ctx.exit(context.supervise(programs))


def _names(launch: Launch) -> list[str]:
    """Return the names of its processes."""
    count = launch.own.instances
    if count == 1:
        return [launch.name]
    return [f"{launch.name}.{number}" for number in range(1, count + 1)]


def _chosen(launches: Sequence[Launch], only: Sequence[str]) -> Sequence[Launch]:
    names = [one.name for one in launches]
    for name in only:
        if name not in names:
            text = f"there is no table [up.{name}]; there is {', '.join(names)}"
            raise click.BadParameter(text, param_hint="--only")
    return [one for one in launches if not only or one.name in only]


_OF_ONE_PROCESS = {
    "stdio": "is a pipe, and these have none",
    "memory": "is each process's own, and nothing would arrive",
}
"""Buses that processes cannot share, and why."""


def _refuse_pipes(launches: Sequence[Launch]) -> None:
    """Refuse what would read a bus that nobody else writes."""
    problems = [
        f"[up.{one.name}]: the bus '{name}' {why}: set bus in [task]"
        for one in launches
        for name, why in _OF_ONE_PROCESS.items()
        if name in one.buses
    ]
    if problems:
        raise OptionError(problems)


def _refuse_shared_addresses(launches: Sequence[Launch]) -> None:
    """Refuse status pages of several processes at one address: the first has it."""
    problems = []
    taken: dict[str, str] = {}
    for one in launches:
        if not one.status or one.status.endswith(":0"):  # any port that is free
            continue
        table, count = f"[up.{one.name}]", one.own.instances
        if count > 1:
            text = f"{count} instances cannot share status = {one.status!r}"
            problems.append(f"{table}: {text}: {_ways(one.status)}")
        elif other := taken.get(one.status):
            text = f"cannot share status = {one.status!r} with {other}"
            problems.append(f"{table}: {text}: give each its own")
        taken.setdefault(one.status, table)
    if problems:
        raise OptionError(problems)


def _ways(status: str) -> str:
    """Return what several processes can do in place of an address."""
    apart = "a table for each, with its own"
    if status.startswith("unix:"):
        return f"write {apart}"
    host = status.rpartition(":")[0]
    return f"write {host}:0 (any free port, which a line tells), or {apart}"
