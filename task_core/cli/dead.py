"""`task dead`: look at dead letters, send them back, or drop them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
from msgspec.structs import asdict

from task_core.api.bus import Bus, Role
from task_core.api.capabilities import require
from task_core.api.ending import closed_when_told
from task_core.api.message import Message
from task_core.cli.buses import has_topic, open_to_look
from task_core.cli.command import PluginCommand
from task_core.cli.command_options import DEAD, DeadOptions
from task_core.cli.letters import Filter, Found, Item, find
from task_core.cli.render import show_json, table
from task_core.cli.stdout import tell
from task_core.config.selection import Settings
from task_core.dead import dead_topic, origin_of
from task_core.errors import PayloadError
from task_core.shown import printable, shown
from task_core.values import format_duration


def _filter(options: DeadOptions, more: dict[str, Any]) -> Filter:
    older, newer = options.older_than, options.newer_than
    return Filter(
        type=more["type"],
        reason=more["reason"],
        older=None if older is None else older.total_seconds(),
        newer=None if newer is None else newer.total_seconds(),
    )


Action = Callable[[Bus, Found, dict[str, Any]], int]
"""Does it with the letters that are meant, and returns the exit code."""


def _runner(action: Action) -> Callable[..., int]:
    """Return what opens the bus, gathers the letters that are meant, and acts."""

    @closed_when_told()
    def run(settings: Settings, topic: str, **options: Any) -> int:
        wanted = _filter(settings.command, options)
        bus = open_to_look(settings, Role.BOTH)
        try:
            origin = origin_of(topic)
            place = settings.command.dead_topic or dead_topic(origin)
            if not has_topic(bus, place, origin):
                return action(bus, Found(items=[]), options)
            looks = not options.get("yes")
            found = find(bus, place, origin, wanted, looks=looks)
            code = action(bus, found, options)
            _tell_held(bus, found.held)
            return code
        finally:
            bus.close()  # gives back what was not settled

    return run


def _list(bus: Bus, found: Found, options: dict[str, Any]) -> int:
    if options["as_json"]:
        show_json([_facts(item) for item in found.items])
    elif found.items:
        click.echo(_overview(found.items))
    elif not found.held:
        tell("no dead letters")
    return 0


def _overview(items: list[Item]) -> str:
    rows = [(item.letter.time, item.type, item.letter.reason) for item in items]
    return table(("SINCE", "TYPE", "REASON"), rows)


def _facts(item: Item) -> dict[str, Any]:
    return {name: value for name, value in asdict(item.letter).items() if value}


def _show(bus: Bus, found: Found, options: dict[str, Any]) -> int:
    for item in found.items:
        if options["as_json"]:
            show_json(_facts(item))
            continue
        rows = [(name, str(value)) for name, value in _facts(item).items()]
        width = max(len(name) for name, _ in rows)
        click.echo(
            "\n".join(f"{name:{width}}  {printable(value)}" for name, value in rows)
        )
        click.echo()
    return 0


def _redrive(bus: Bus, found: Found, options: dict[str, Any]) -> int:
    items, kept = found.items, found.kept
    if _is_dry(bus, items, options, "sent back to where they came from"):
        return 0
    whole = [item for item in items if not item.letter.rest]
    sent = refused = 0
    try:
        for item in whole:
            assert kept is not None  # it is where they come from
            message = Message(options["to"] or item.topic, item.letter.original)
            try:
                sent += kept.settle(item.delivery, [message])
            except PayloadError as error:
                refused += 1
                tell(f"task: not sent back: {shown(str(error))}")
    finally:
        tell(f"{sent} sent back")
    _tell_left(len(whole) - sent - refused, "others have them")
    _tell_left(len(items) - len(whole), "their bytes were cut off")
    return 0 if sent == len(whole) and not found.held else 1


def _drop(bus: Bus, found: Found, options: dict[str, Any]) -> int:
    items, kept = found.items, found.kept
    if _is_dry(bus, items, options, "dropped for good"):
        return 0
    dropped = kept.drop([item.delivery for item in items]) if kept is not None else 0
    tell(f"{dropped} dropped")
    _tell_left(len(items) - dropped, "others have them")
    return 0 if dropped == len(items) and not found.held else 1


def _tell_held(bus: Bus, count: int) -> None:
    """Tell of letters that somebody holds: a command that was killed, perhaps."""
    if count:
        lease = format_duration(timedelta(seconds=bus.lease))
        tell(f"{count:,} held by others: back within {lease} if these have died")


def _tell_left(count: int, why: str) -> None:
    if count:
        tell(f"{count} left: {why}")


def _is_dry(bus: Bus, items: list[Item], options: dict[str, Any], what: str) -> bool:
    """Only say what would be done, unless `--yes` is given."""
    require(bus.capabilities, "ack", bus.name)
    if not options["yes"]:
        if items:
            click.echo(_overview(items))
        hint = "; do it with --yes" if items else ""
        tell(f"{len(items)} would be {what}{hint}")
    return not options["yes"]


def _params(*more: click.Parameter) -> list[click.Parameter]:
    return [
        click.Argument(["topic"]),
        click.Option(["--type"], help="Only tasks of this type."),
        click.Option(["--reason"], metavar="TEXT", help="Only reasons with this text."),
        *more,
    ]


JSON = click.Option(["--json", "as_json"], is_flag=True, help="As JSON.")
YES = click.Option(
    ["--yes"], is_flag=True, help="Do it, rather than say what would be."
)
TO = click.Option(["--to"], metavar="TOPIC", help="Send to another topic.")

HELP = """Look at dead letters, send them back, or drop them.

A dead letter is what could not be decoded, or was handed out too often without being
settled. It keeps the original bytes and the reason. TOPIC is where it came from. Until
redrive or drop is told --yes, all of them only look, where the bus can (NSQ cannot).

\b
Examples:
  task dead list load --bus sqlite
  task dead redrive load --bus sqlite --type load --yes
  task dead drop load --bus sqlite --older-than 720h --yes
"""


@click.group(help=HELP)
def command() -> None:
    """Is replaced by the help text above."""


def _add(name: str, help: str, action: Action, *more: click.Parameter) -> None:
    params = _params(*more)
    run = _runner(action)
    command.add_command(
        PluginCommand(name=name, section=DEAD, run=run, params=params, help=help)
    )


_add("list", "List the dead letters of a topic.", _list, JSON)
_add("show", "Show the dead letters of a topic, bytes and all.", _show, JSON)
_add(
    "redrive", "Send dead letters back; says what it would do first.", _redrive, TO, YES
)
_add("drop", "Drop dead letters for good; says what it would do first.", _drop, YES)
