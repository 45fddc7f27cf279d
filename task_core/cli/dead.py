"""`task dead`: look at dead letters, send them back, or drop them."""

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import click
from msgspec.structs import asdict

from task_core.api.bus import Bus, Role
from task_core.api.capabilities import require
from task_core.api.ending import closed_when_told
from task_core.api.message import Delivery, Message
from task_core.cli.buses import has_topic, open_to_look
from task_core.cli.command import PluginCommand
from task_core.cli.command_options import DEAD, DeadOptions
from task_core.cli.kept import Kept
from task_core.cli.render import show_json, table
from task_core.cli.stdout import tell
from task_core.config.selection import Settings
from task_core.dead import DeadLetter, dead_topic, decode_dead, encode_dead, origin_of
from task_core.errors import DecodeError, PayloadError, UnsupportedCapabilityError
from task_core.shown import printable, shown
from task_core.task import parse_date
from task_core.wire import decode_task

CHANNEL = "dead"
"""The channel on which dead letters are read."""
ALL = 1_000_000
"""Letters that are looked at, at most."""


@attrs.frozen(kw_only=True, eq=False)
class Item:
    """One dead letter and its delivery."""

    delivery: Delivery
    letter: DeadLetter
    origin: str

    @property
    def topic(self) -> str:
        """Where it came from; a letter that does not say is of the topic asked for."""
        return self.letter.topic or self.origin

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


def _filter(options: DeadOptions, more: dict[str, Any]) -> Filter:
    older, newer = options.older_than, options.newer_than
    return Filter(
        type=more["type"],
        reason=more["reason"],
        older=None if older is None else older.total_seconds(),
        newer=None if newer is None else newer.total_seconds(),
    )


def _item(delivery: Delivery, origin: str) -> Item:
    """Read a letter; what somebody else put there is treated like one."""
    try:
        letter = decode_dead(delivery.body)
    except DecodeError as error:
        letter = DeadLetter(reason=str(error), topic=origin)
        letter = decode_dead(encode_dead(letter, delivery.body))
    return Item(delivery=delivery, letter=letter, origin=origin)


def _seen(bus: Bus, place: str) -> list[Delivery] | None:
    """Return what the channel would be given if it were made, without making it.

    None if one must read it: it is there, or the bus cannot look.
    """
    if not (bus.capabilities.peek and bus.capabilities.depth):
        return None
    try:
        if any(one.name == CHANNEL for one in bus.channels(place)):
            return None
        count = bus.depth(place, CHANNEL)
    except UnsupportedCapabilityError:  # with these options it cannot tell
        return None
    return [Delivery(body) for body in bus.peek(place, ALL)[-count:]] if count else []


Action = Callable[[Bus, Kept | None, list[Item], dict[str, Any]], int]
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
                return action(bus, None, [], options)
            kept = None
            letters: Iterable[Delivery] | None = None
            if not options.get("yes"):
                letters = _seen(bus, place)
            if letters is None:
                kept = Kept(bus, bus.subscribe(place, CHANNEL))
                letters = kept.waiting()
            items = [_item(delivery, origin) for delivery in letters]
            items = [item for item in items if wanted.admits(item)]
            return action(bus, kept, items, options)
        finally:
            bus.close()  # gives back what was not settled

    return run


def _list(
    bus: Bus, kept: Kept | None, items: list[Item], options: dict[str, Any]
) -> int:
    if options["as_json"]:
        show_json([_facts(item) for item in items])
    elif items:
        click.echo(_overview(items))
    else:
        tell("no dead letters")
    return 0


def _overview(items: list[Item]) -> str:
    rows = [(item.letter.time, item.type, item.letter.reason) for item in items]
    return table(("SINCE", "TYPE", "REASON"), rows)


def _facts(item: Item) -> dict[str, Any]:
    return {name: value for name, value in asdict(item.letter).items() if value}


def _show(
    bus: Bus, kept: Kept | None, items: list[Item], options: dict[str, Any]
) -> int:
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
    return 0


def _redrive(
    bus: Bus, kept: Kept | None, items: list[Item], options: dict[str, Any]
) -> int:
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
    return 0 if sent == len(whole) else 1


def _drop(
    bus: Bus, kept: Kept | None, items: list[Item], options: dict[str, Any]
) -> int:
    if _is_dry(bus, items, options, "dropped for good"):
        return 0
    dropped = kept.drop([item.delivery for item in items]) if kept is not None else 0
    tell(f"{dropped} dropped")
    _tell_left(len(items) - dropped, "others have them")
    return 0 if dropped == len(items) else 1


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
