"""`task dead`: look at dead letters, send them back, or drop them."""

import math
import time
from collections.abc import Callable
from typing import Any

import attrs
import click

from task_core.api.bus import Bus, Consumer, Role
from task_core.api.capabilities import require
from task_core.api.message import Delivery, Message
from task_core.cli.bus_option import SECTION
from task_core.cli.buses import open_selected, waiting
from task_core.cli.command import PluginCommand
from task_core.cli.render import show_json, table
from task_core.config.selection import Settings
from task_core.errors import DecodeError, UsageError
from task_core.shown import printable
from task_core.task import parse_date
from task_core.values import parse_duration
from task_core.wire import (
    DeadLetter,
    dead_topic,
    decode_dead,
    decode_task,
    encode_dead,
    origin_of,
)

CHANNEL = "dead"
"""The channel on which dead letters are read."""


@attrs.frozen(kw_only=True, eq=False)
class Item:
    """One dead letter and its delivery."""

    delivery: Delivery
    letter: DeadLetter

    @property
    def type(self) -> str:
        """The type of the task in it, or nothing when it is no task."""
        try:
            return decode_task(self.letter.original).type
        except DecodeError:
            return ""

    @property
    def age(self) -> float:
        """Seconds since it came here; NaN, neither old nor new, if it does not say."""
        try:
            came = parse_date(self.letter.time).timestamp()
        except ValueError:
            return math.nan
        return max(0.0, time.time() - came)


@attrs.frozen(kw_only=True, eq=False)
class Filter:
    """Which letters are meant.

    Args:
        type: Only tasks of this type.
        reason: Only those whose reason has this text.
        older, newer: Only those that are here longer, or shorter, in seconds.
    """

    type: str | None
    reason: str | None
    older: float | None
    newer: float | None

    def admits(self, item: Item) -> bool:
        """Whether a letter is meant."""
        return (
            (self.type is None or item.type == self.type)
            and (self.reason is None or self.reason in item.letter.reason)
            and (self.older is None or item.age >= self.older)
            and (self.newer is None or item.age <= self.newer)
        )


def _filter(options: dict[str, Any]) -> Filter:
    return Filter(
        type=options["type"],
        reason=options["reason"],
        older=_seconds("--older-than", options["older_than"]),
        newer=_seconds("--newer-than", options["newer_than"]),
    )


def _seconds(flag: str, text: str | None) -> float | None:
    try:
        return parse_duration(text).total_seconds() if text else None
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def _item(delivery: Delivery, origin: str) -> Item:
    """Read a letter; what somebody else put there is treated like one."""
    try:
        letter = decode_dead(delivery.body)
    except DecodeError as error:
        letter = DeadLetter(reason=str(error), topic=origin)
        letter = decode_dead(encode_dead(letter, delivery.body))
    return Item(delivery=delivery, letter=letter)


Action = Callable[[Bus, Consumer, list[Item], dict[str, Any]], None]


def _runner(action: Action) -> Callable[..., int]:
    """Return what opens the bus, gathers the letters that are meant, and acts."""

    def run(settings: Settings, topic: str, **options: Any) -> int:
        wanted = _filter(options)
        bus = open_selected(settings.buses["bus"], Role.BOTH, 1)
        try:
            origin = origin_of(topic)
            place = options["dead_topic"] or dead_topic(origin)
            consumer = bus.subscribe(place, CHANNEL)
            items = [_item(delivery, origin) for delivery in waiting(bus, consumer)]
            items = [item for item in items if wanted.admits(item)]
            action(bus, consumer, items, options)
        finally:
            bus.close()  # gives back what was not settled
        return 0

    return run


def _list(
    bus: Bus, consumer: Consumer, items: list[Item], options: dict[str, Any]
) -> None:
    if options["as_json"]:
        show_json([_facts(item) for item in items])
    elif items:
        click.echo(_overview(items))
    else:
        click.echo("no dead letters", err=True)


def _overview(items: list[Item]) -> str:
    rows = [(item.letter.time, item.type, item.letter.reason) for item in items]
    return table(("SINCE", "TYPE", "REASON"), rows)


def _facts(item: Item) -> dict[str, Any]:
    names = ("reason", "topic", "channel", "attempt", "time", "body", "body64", "rest")
    facts = {name: getattr(item.letter, name) for name in names}
    return {name: value for name, value in facts.items() if value}


def _show(
    bus: Bus, consumer: Consumer, items: list[Item], options: dict[str, Any]
) -> None:
    for item in items:
        if options["as_json"]:
            show_json(_facts(item))
            continue
        rows = [(name, str(value)) for name, value in _facts(item).items()]
        width = max(len(name) for name, _ in rows)
        click.echo(
            "\n".join(f"{name:{width}}  {printable(value)}" for name, value in rows)
        )
        click.echo()


def _redrive(
    bus: Bus, consumer: Consumer, items: list[Item], options: dict[str, Any]
) -> None:
    if _is_dry(bus, items, options, "sent back to where they came from"):
        return
    whole = [item for item in items if not item.letter.rest]
    for item in whole:
        message = Message(options["to"] or item.letter.topic, item.letter.original)
        consumer.settle([item.delivery], [message])
    click.echo(f"{len(whole)} sent back", err=True)
    if len(whole) < len(items):
        text = f"{len(items) - len(whole)} left: their bytes were cut off"
        click.echo(text, err=True)


def _drop(
    bus: Bus, consumer: Consumer, items: list[Item], options: dict[str, Any]
) -> None:
    if _is_dry(bus, items, options, "dropped for good"):
        return
    if items:
        consumer.ack([item.delivery for item in items])
    click.echo(f"{len(items)} dropped", err=True)


def _is_dry(bus: Bus, items: list[Item], options: dict[str, Any], what: str) -> bool:
    """Only say what would be done, unless `--yes` is given."""
    require(bus.capabilities, "ack", bus.name)
    if not options["yes"]:
        if items:
            click.echo(_overview(items))
        click.echo(f"{len(items)} would be {what}; do it with --yes", err=True)
    return not options["yes"]


def _params(*more: click.Parameter) -> list[click.Parameter]:
    return [
        click.Argument(["topic"]),
        click.Option(
            ["--dead-topic"],
            metavar="TOPIC",
            help="Where they are; <topic>.dead if not given.",
        ),
        click.Option(["--type"], help="Only tasks of this type."),
        click.Option(["--reason"], metavar="TEXT", help="Only reasons with this text."),
        click.Option(["--older-than"], metavar="DURATION", help="Only those older."),
        click.Option(["--newer-than"], metavar="DURATION", help="Only those newer."),
        *more,
    ]


JSON = click.Option(["--json", "as_json"], is_flag=True, help="As JSON.")
YES = click.Option(
    ["--yes"], is_flag=True, help="Do it, rather than say what would be."
)
TO = click.Option(["--to"], metavar="TOPIC", help="Send to another topic.")

HELP = """Look at dead letters, send them back, or drop them.

A dead letter is what could not be decoded, or was handed out too often without being
settled. It keeps the original bytes and the reason. TOPIC is where it came from.

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
        PluginCommand(name=name, section=SECTION, run=run, params=params, help=help)
    )


_add("list", "List the dead letters of a topic.", _list, JSON)
_add("show", "Show the dead letters of a topic, bytes and all.", _show, JSON)
_add(
    "redrive", "Send dead letters back; says what it would do first.", _redrive, TO, YES
)
_add("drop", "Drop dead letters for good; says what it would do first.", _drop, YES)
