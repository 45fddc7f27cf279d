"""`task status ADDRESS…` shows what is done there; `task top ADDRESS…` follows it."""

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import click

from task_command_status.ask import PATIENCE, check, facts_of
from task_command_status.cells import cut, plain
from task_command_status.table import rows, running, table
from task_core.api import UsageError, parse_duration

UNREACHABLE = 4
"""Exit code when somebody does not answer."""
SHORTEST = 0.1
"""Seconds between two looks, at least."""
MOST_RUNNING = 20
"""Running tasks that are listed."""
HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
CLEAR = "\x1b[2J"

STATUS = """Show what launchers and taskmasters are doing.

ADDRESS is what 'task launch --status' was given: HOST:PORT or unix:PATH. The exit code
is 4 when one of them does not answer.
"""
TOP = """Follow what launchers and taskmasters are doing, and the tasks that they run.

ADDRESS is what 'task launch --status' was given: HOST:PORT or unix:PATH. After
so many looks as --count says, the exit code is 4 when one of them never answered.
"""

Answers = Sequence[tuple[str, dict[str, Any], str]]


def make_status() -> click.Command:
    """Return the command status."""
    return status


def make_top() -> click.Command:
    """Return the command top."""
    return top


@click.command(name="status", help=STATUS)
@click.argument("address", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON lines.")
@click.pass_context
def status(ctx: click.Context, address: Sequence[str], as_json: bool) -> None:
    """Ask all at once, and print."""
    answers = ask([check(one) for one in address])
    if as_json:
        for one, facts, error in answers:
            told = {"address": one, **facts, **({"error": error} if error else {})}
            click.echo(json.dumps(told))
    else:
        click.echo("\n".join(table(lines_of(answers))))
    ctx.exit(UNREACHABLE if any(error for _, _, error in answers) else 0)


def seconds_of(_: click.Context, option: click.Parameter, value: str) -> float:
    """Return what a duration means; a number needs a unit, as everywhere."""
    name = option.opts[0]
    if value[-1:].isdigit():
        raise UsageError(f"{name}: {value!r} has no unit: 2s, 500ms")
    try:
        seconds = parse_duration(value).total_seconds()
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    if seconds < SHORTEST:
        raise UsageError(f"{name}: {value!r} is less than 100ms")
    return seconds


@click.command(name="top", help=TOP)
@click.argument("address", nargs=-1, required=True)
@click.option(
    "--interval",
    default="2s",
    show_default=True,
    callback=seconds_of,
    metavar="DURATION",
    help="Time between two looks.",
)
@click.option("--count", type=click.IntRange(min=0), default=0, help="Look so often.")
@click.pass_context
def top(
    ctx: click.Context, address: Sequence[str], interval: float, count: int
) -> None:
    """Ask again and again, until interrupted."""
    addresses = [check(one) for one in address]
    # One that hangs holds up the others, and an interrupt, for no longer.
    patience = min(PATIENCE, max(interval, 1.0))
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    looked, silent = 0, {*addresses}
    if terminal:
        click.echo(CLEAR, nl=False)
    while True:
        answers = ask(addresses, patience)
        show(answers, terminal=terminal)
        silent -= {one for one, _, error in answers if not error}
        looked += 1
        if looked == count:
            ctx.exit(UNREACHABLE if silent else 0)
        time.sleep(interval)


def ask(addresses: Sequence[str], patience: float = PATIENCE) -> Answers:
    """Return what each answers within so many seconds; all are asked at once."""
    with ThreadPoolExecutor(min(len(addresses), 32)) as pool:
        found = list(pool.map(partial(facts_of, patience=patience), addresses))
    return [(one, *answer) for one, answer in zip(addresses, found, strict=True)]


def lines_of(answers: Answers) -> list[list[str]]:
    """Return the lines of the table."""
    return [line for answer in answers for line in rows(*answer)]


def show(answers: Answers, *, terminal: bool) -> None:
    """Print the table, and below it what runs."""
    tasks = [line for _, facts, _ in answers for line in running(facts)]
    size = shutil.get_terminal_size()
    text = [*table(lines_of(answers)), *tasks[:MOST_RUNNING]]
    if not terminal:
        click.echo("\n".join(plain(line)[:1000] for line in text))
        return
    lines = [cut(plain(line), size.columns) for line in text[: size.lines - 1]]
    body = "".join(f"{line}{CLEAR_LINE}\n" for line in lines)
    click.echo(f"{HOME}{body}{CLEAR_REST}", nl=False)
