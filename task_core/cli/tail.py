"""`task tail`: show the tasks of a topic."""

import os
import sys
from collections.abc import Callable
from itertools import islice

import click

from task_core.api.bus import Bus
from task_core.api.ending import closed_when_told
from task_core.cli.buses import has_topic, open_to_look
from task_core.cli.command import PluginCommand
from task_core.cli.command_options import TAIL, TailOptions
from task_core.cli.kept import Kept
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
only looks, where the bus can (sqlite, file): no worker misses a task. On other buses,
and with --follow, it reads on a channel of its own, which goes when it ends. One that
--channel names stays, and what was shown is not shown again. Start the worker first in
that case: the first channel that a topic ever has takes what waits there.

\b
Examples:
  task tail done.json --bus file
  task tail done --bus file://done.json --follow
  task tail hello --bus file://tasks.json --raw
"""


@closed_when_told()
def _run(settings: Settings, topic: str) -> int:
    options: TailOptions = settings.command
    bus = open_to_look(settings)
    try:
        if not options.follow:
            has_topic(bus, topic)
        show = shower(options.raw, terminal=sys.stdout.isatty())
        _show_all(bus, topic, options, lambda body: click.echo(show(body)))
    finally:
        bus.close()
    return 0


def _show_all(
    bus: Bus, topic: str, options: TailOptions, show: Callable[[bytes], None]
) -> None:
    """Show what there is; what is read on a channel is acknowledged when shown."""
    if bus.capabilities.peek and not (options.channel or options.follow):
        for body in bus.peek(topic, options.max or ALL):
            show(body)
        return
    if options.channel:
        consumer = bus.subscribe(topic, options.channel)
    else:  # one of its own, which goes with this process: nothing piles up on it
        # Not by the number of the process: in containers all have the same.
        channel = f"tail-{os.urandom(6).hex()}"
        consumer = bus.subscribe(topic, channel, temporary=True)
    kept = Kept(bus, consumer)
    for delivery in islice(kept.waiting(follow=options.follow), options.max or None):
        show(delivery.body)
        kept.settle(delivery)  # whoever reads us may have paused for long: never mind


def shower(raw: bool, *, terminal: bool) -> Callable[[bytes], bytes | str]:
    """Return what makes a body fit for where it goes: exact when that is a pipe."""
    if not terminal:
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
    section=TAIL,
    run=_run,
    help=HELP,
    params=[click.Argument(["topic"])],
)
