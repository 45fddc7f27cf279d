"""Dead letters: reading them, and which of them are meant."""

import math
import time
from collections.abc import Iterable

import attrs

from task_core.api.bus import Bus
from task_core.api.message import Delivery
from task_core.cli.kept import Kept
from task_core.dead import DeadLetter, decode_dead, encode_dead
from task_core.errors import DecodeError, UnsupportedCapabilityError
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


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """The letters that are meant.

    Args:
        items: These.
        kept: Where they come from; None if they were only looked at.
        held: How many letters others hold, as far as the bus can tell: nobody knows
            whether they are meant.
    """

    items: list[Item]
    kept: Kept | None = None
    held: int = 0


def find(bus: Bus, place: str, origin: str, wanted: Filter, *, looks: bool) -> Found:
    """Return the letters of a topic that are meant.

    Args:
        bus: Where they are.
        place: Their topic.
        origin: The topic that they come from, if they do not say.
        wanted: Which are meant.
        looks: Only look at them, if that can be done.
    """
    kept = None
    letters: Iterable[Delivery] | None = _seen(bus, place) if looks else None
    if letters is None:
        kept = Kept(bus, bus.subscribe(place, CHANNEL))
        letters = kept.waiting()
    items = [item_of(delivery, origin) for delivery in letters]
    items = [item for item in items if wanted.admits(item)]
    return Found(items=items, kept=kept, held=kept.held_by_others() if kept else 0)


def item_of(delivery: Delivery, origin: str) -> Item:
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
