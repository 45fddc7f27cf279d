"""`task topics`: what is on a bus, and what of it is to go."""

from collections.abc import Iterator

import attrs
import click

from task_core.api.bus import Bus
from task_core.api.capabilities import require
from task_core.cli.buses import has_topic, open_to_look
from task_core.cli.command import PluginCommand
from task_core.cli.command_options import TOPICS
from task_core.cli.render import show_json, table
from task_core.cli.stdout import tell
from task_core.config.selection import Settings
from task_core.errors import BusConnectionError, BusError, nearest
from task_core.shown import printable

HELP = """List the topics of a bus and their channels, and how many messages wait.

WAITING counts messages that nobody holds, HELD those that a consumer has received and
not settled. A bus that cannot tell its channels counts on the one that a launcher reads
on when it is told nothing else: the one with the topic's name.

--delete takes a channel away, or a topic with all of its channels; what waits there is
lost. It says first what it would do.

\b
Examples:
  task topics --bus sqlite
  task topics --bus sqlite --channel audit --json
  task topics --bus sqlite --delete load/audit --yes
"""


@attrs.frozen
class Row:
    """A channel of a topic; counts that nobody knows are None."""

    topic: str
    channel: str
    waiting: int | None
    held: int | None


def _run(settings: Settings, as_json: bool, delete: tuple[str, ...], yes: bool) -> int:
    bus = open_to_look(settings)
    try:
        if delete:
            return _delete(bus, delete, sure=yes)
        rows = [
            row
            for topic in bus.topics()
            for row in _rows(bus, topic, settings.command.channel)
        ]
    finally:
        bus.close()
    if as_json:
        show_json([attrs.asdict(row) for row in rows])
    else:
        click.echo(_overview(rows))
    return 0


def _overview(rows: list[Row]) -> str:
    cells = [(x.topic, x.channel, _number(x.waiting), _number(x.held)) for x in rows]
    return table(("TOPIC", "CHANNEL", "WAITING", "HELD"), cells)


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _rows(bus: Bus, topic: str, channel: str | None) -> Iterator[Row]:
    if not bus.capabilities.depth:
        yield Row(topic, channel or "", None, None)
        return
    states = [x for x in bus.channels(topic) if channel in (None, x.name)]
    for state in states:
        yield Row(topic, state.name, state.waiting, state.held)
    if not states:
        yield Row(topic, channel or "", _depth(bus, topic, channel or topic), None)


def _depth(bus: Bus, topic: str, channel: str) -> int | None:
    """Return how many wait; None: a part of the bus is away, so nobody knows.

    When all of it is away, who asked for topics and channels has heard of that.
    """
    try:
        return bus.depth(topic, channel)
    except BusConnectionError:
        return None


def _delete(bus: Bus, names: tuple[str, ...], *, sure: bool) -> int:
    """Delete topics and channels, or say what that would take away."""
    places = [_place(bus, name) for name in names]
    if not sure:
        rows = [row for place in places for row in _rows(bus, place[0], place[1])]
        click.echo(_overview(rows))
        what = "all of this would be deleted, with what waits there"
        tell(f"{what}; do it with --yes")
        return 0
    for topic, channel in places:
        bus.forget(topic, channel or "")
    tell(f"{len(places)} deleted")
    return 0


def _place(bus: Bus, name: str) -> tuple[str, str | None]:
    """Return the topic and channel of `TOPIC[/CHANNEL]`; a topic may hold a `/`."""
    require(bus.capabilities, "channels", bus.name, "--delete")
    if not bus.capabilities.topics or name in bus.topics():
        return name, None
    topic, slash, channel = name.rpartition("/")
    has_topic(bus, topic if slash else name)
    if not bus.capabilities.depth:  # who cannot tell them
        return topic, channel
    there = [state.name for state in bus.channels(topic)]
    if channel not in there:
        hint = nearest(channel, there) or f"; there is {', '.join(there) or 'none'}"
        raise BusError(printable(f"topic '{topic}' has no channel '{channel}'{hint}"))
    return topic, channel


command = PluginCommand(
    name="topics",
    section=TOPICS,
    run=_run,
    help=HELP,
    params=[
        click.Option(["--json", "as_json"], is_flag=True, help="As JSON."),
        click.Option(
            ["--delete"],
            multiple=True,
            metavar="TOPIC[/CHANNEL]",
            help="Delete it, with what waits there.",
        ),
        click.Option(
            ["--yes"], is_flag=True, help="Do it, rather than say what would be."
        ),
    ],
)
