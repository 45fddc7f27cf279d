"""What rows of joins say: who has arrived, and who waits for others."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:  # a library that takes long to load
    from sqlalchemy import Row

_NAME = re.compile(r"(.*) #([0-9a-f]{16})", re.DOTALL)


@attrs.frozen
class Waiting:
    """A join that is not complete.

    Args:
        workflow, phase, key: Which it is.
        parents: Who has arrived; each once, however often it did.
        since: When the first of them did.
        expires: Until when all should be there; None for ever.
    """

    workflow: str
    phase: str
    key: str
    parents: tuple[str, ...]
    since: float
    expires: float | None

    @property
    def place(self) -> tuple[str, str, str]:
        """Which it is."""
        return (self.workflow, self.phase, self.key)


@attrs.frozen
class Arrived:
    """A parent at a join.

    Args:
        workflow, phase, key: Which join it is.
        parent, body: Who, and its bytes.
        fired: When the join was complete; None while it is not.
        which: What tells it from others of its name, 16 hexadecimal digits; empty for
            one that has none.
    """

    workflow: str
    phase: str
    key: str
    parent: str
    body: bytes
    fired: float | None
    which: str = ""


def gathered(rows: "Iterable[Row[Any]]") -> list[Waiting]:
    """Return the joins that rows belong to; the first of each comes first."""
    found: dict[tuple[str, str, str], Waiting] = {}
    for row in rows:
        place = (row.workflow, row.phase, row.key)
        first = found.setdefault(place, Waiting(*place, (), row.arrived, row.expires))
        parents = dict.fromkeys((*first.parents, _read(row.parent)[0]))
        found[place] = attrs.evolve(first, parents=(*parents,))
    return list(found.values())


def parent_of(row: Any) -> Arrived:
    """Return the parent that a row is."""
    parent, which = _read(row.parent)
    body = bytes(row.body)
    return Arrived(row.workflow, row.phase, row.key, parent, body, row.fired, which)


def named(parent: str, which: str) -> str:
    """Return what the column of the parent has: its name, and which one it is."""
    return f"{parent} #{which}" if which else parent


def _read(name: str) -> tuple[str, str]:
    match = _NAME.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")
