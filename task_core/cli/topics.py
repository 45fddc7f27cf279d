"""`task topics`: what is on a bus."""

import click

from task_core.api.bus import Bus, Role
from task_core.cli.bus_option import SECTION
from task_core.cli.buses import open_selected
from task_core.cli.command import PluginCommand
from task_core.cli.render import show_json, table
from task_core.config.selection import Settings

HELP = """List the topics of a bus, and how many messages wait on each.

Messages are counted on the channel that a launcher reads on when it is told nothing
else: the one with the topic's name.

\b
Examples:
  task topics --bus sqlite
  task topics --bus sqlite --channel audit --json
"""


def _run(settings: Settings, channel: str | None, as_json: bool) -> int:
    bus = open_selected(settings.buses["bus"], Role.IN, 1)
    try:
        rows = [(topic, _depth(bus, topic, channel or topic)) for topic in bus.topics()]
    finally:
        bus.close()
    if as_json:
        show_json([{"topic": topic, "waiting": depth} for topic, depth in rows])
    else:
        cells = [(topic, "" if n is None else f"{n:,}") for topic, n in rows]
        click.echo(table(("TOPIC", "WAITING"), cells))
    return 0


def _depth(bus: Bus, topic: str, channel: str) -> int | None:
    return bus.depth(topic, channel) if bus.capabilities.depth else None


command = PluginCommand(
    name="topics",
    section=SECTION,
    run=_run,
    help=HELP,
    params=[
        click.Option(["--channel"], help="Channel on which to count."),
        click.Option(["--json", "as_json"], is_flag=True, help="As JSON."),
    ],
)
