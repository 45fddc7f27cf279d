"""`task tail`: show the tasks of a topic."""

import sys
from itertools import islice

import click

from task_core.api.bus import Role
from task_core.cli.bus_option import SECTION
from task_core.cli.buses import open_selected, waiting
from task_core.cli.command import PluginCommand
from task_core.cli.render import style
from task_core.cli.selection import Settings
from task_core.errors import DecodeError
from task_core.wire import decode_task

COLOURS = {"complete": "green", "error": "red", "alert": "magenta", "warn": "yellow"}

HELP = """Show the tasks of a topic, until it is empty.

Lines come as they are on the bus when piped, and in a readable form on a terminal. On a
bus with channels it reads on a channel of its own, beside those of the workers. Start
the worker first: the first channel that a topic ever has takes what waits there.

\b
Examples:
  task tail done.json --bus file
  task tail done --bus file://done.json --follow
  task tail hello --bus file://tasks.json --raw
"""


def _run(
    settings: Settings, topic: str, channel: str, max: int, raw: bool, follow: bool
) -> int:
    bus = open_selected(settings.buses["bus"], Role.IN, 1)
    raw = raw or not sys.stdout.isatty()
    try:
        consumer = bus.subscribe(topic, channel)
        messages = waiting(bus, consumer, follow=follow)
        for delivery in islice(messages, max or None):
            click.echo(delivery.body if raw else _readable(delivery.body))
            if bus.capabilities.ack:
                consumer.ack([delivery])
    finally:
        bus.close()
    return 0


def _readable(body: bytes) -> str:
    try:
        task = decode_task(body)
    except DecodeError:
        return style(body.decode("utf-8", "replace"), fg="red")
    name = f"{task.type}:{task.job}" if task.job else task.type
    when = task.ended or task.started or task.created
    result = style(f"{task.result or 'to do':8}", fg=COLOURS.get(task.result, "blue"))
    text = f"{when:20}  {result}  {name}  {task.info}"
    return f"{text}  {style(task.msg, bold=True)}" if task.msg else text


command = PluginCommand(
    name="tail",
    section=SECTION,
    run=_run,
    help=HELP,
    params=[
        click.Argument(["topic"]),
        click.Option(["--channel"], default="tail", help="Channel to read on."),
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
