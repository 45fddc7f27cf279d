"""`task tail`: show the tasks of a topic."""

import sys
from collections.abc import Callable, Generator
from contextlib import closing
from itertools import islice

import click

from task_core.api.bus import Bus, Role
from task_core.cli.bus_option import SECTION
from task_core.cli.buses import open_selected, waiting
from task_core.cli.command import PluginCommand
from task_core.cli.render import style
from task_core.config.selection import Settings
from task_core.errors import DecodeError
from task_core.shown import printable
from task_core.wire import decode_task

ALL = 1_000_000
"""Messages that are looked at, at most."""
COLOURS = {"complete": "green", "error": "red", "alert": "magenta", "warn": "yellow"}

HELP = """Show the tasks of a topic, until it is empty.

Lines come as they are on the bus when piped, and in a readable form on a terminal. It
only looks, where the bus can (sqlite, file): no worker misses a task. With --channel or
--follow on a bus with channels it reads on a channel of its own, beside the workers',
and what was shown is not shown again. Start the worker first in that case: the first
channel that a topic ever has takes what waits there.

\b
Examples:
  task tail done.json --bus file
  task tail done --bus file://done.json --follow
  task tail hello --bus file://tasks.json --raw
"""


def _run(
    settings: Settings,
    topic: str,
    channel: str | None,
    max: int,
    raw: bool,
    follow: bool,
) -> int:
    bus = open_selected(settings.buses["bus"], Role.IN, 1)
    only_looks = bus.capabilities.peek and not (channel or follow)
    show = _shower(raw)
    try:
        if only_looks:
            for body in bus.peek(topic, max or ALL):
                click.echo(show(body))
        else:
            # Closed before the bus: what was shown last is acknowledged then.
            with closing(_taken(bus, topic, channel or "tail", follow)) as bodies:
                for body in islice(bodies, max or None):
                    click.echo(show(body))
    finally:
        bus.close()
    return 0


def _taken(
    bus: Bus, topic: str, channel: str, follow: bool
) -> Generator[bytes, None, None]:
    """Yield what is read on a channel; each is acknowledged when it was shown."""
    consumer = bus.subscribe(topic, channel)
    for delivery in waiting(bus, consumer, follow=follow):
        try:
            yield delivery.body
        finally:
            if bus.capabilities.ack:
                consumer.ack([delivery])


def _shower(raw: bool) -> Callable[[bytes], bytes | str]:
    """Return what makes a body fit for where it goes: exact when that is a pipe."""
    if not sys.stdout.isatty():
        return lambda body: body
    if raw:
        return lambda body: printable(body.decode("utf-8", "backslashreplace"))
    return _readable


def _readable(body: bytes) -> str:
    try:
        task = decode_task(body)
    except DecodeError:
        return style(printable(body.decode("utf-8", "replace")), fg="red")
    name = printable(f"{task.type}:{task.job}" if task.job else task.type)
    when = task.ended or task.started or task.created
    result = printable(f"{task.result or 'to do':8}")
    result = style(result, fg=COLOURS.get(task.result, "blue"))
    text = f"{when:20}  {result}  {name}  {printable(task.info)}"
    return f"{text}  {style(printable(task.msg), bold=True)}" if task.msg else text


command = PluginCommand(
    name="tail",
    section=SECTION,
    run=_run,
    help=HELP,
    params=[
        click.Argument(["topic"]),
        click.Option(
            ["--channel"], help="Take from this channel, rather than only look."
        ),
        click.Option(
            ["--max"],
            type=click.IntRange(min=0),
            default=0,
            help="Stop after so many; 0 is no limit.",
        ),
        click.Option(["--raw"], is_flag=True, help="Show the bytes on a terminal too."),
        click.Option(["-f", "--follow"], is_flag=True, help="Wait for more."),
    ],
)
