"""Who waits at the joins of a phase, and who of them belong together."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs
from task_store import key_of

from task_core.api import Task, decode_task
from task_taskmaster_workflow.making import identity, values_of
from task_taskmaster_workflow.phase import ROW, Phase

if TYPE_CHECKING:  # a library that takes long to load
    from task_store.join_rows import Arrived


Place = tuple[str, str, str]
"""A key, a parent, and which one it is, or which row."""


@attrs.frozen
class Parent:
    """A parent at a join.

    Args:
        key: Which tasks belong together.
        ref: The parent that it is, as `dependsOn` names it.
        which: What tells it from others of that name; empty when an older version has
            written it.
        body: Its bytes.
        row: Which of a batch it is, or below which one; empty for one of none.
    """

    key: str
    ref: str
    which: str
    body: bytes
    row: str = ""

    @property
    def place(self) -> Place:
        """Where the store has it."""
        return (self.key, self.ref, self.which)


class There:
    """Those that are there.

    Of a run, those belong together of which none is of another row of a batch. Whoever
    is above rows, as one of no batch is, goes with the others of each row once.

    Args:
        phase: Whose joins.
        known: What the store knows, the oldest first.
        lasting: One may go with several rows: those that fired are known, too.
    """

    def __init__(
        self, phase: Phase, known: "Iterable[Arrived]", *, lasting: bool
    ) -> None:
        self._phase = phase
        self._lasting = lasting
        self._places: set[Place] = set()
        self._age: dict[Place, int] = {}
        self._waiting: dict[Place, deque[Parent]] = defaultdict(deque)
        self._fired: dict[Place, list[Parent]] = defaultdict(list)
        self._rows: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for it in known:
            row = row_of(phase, it.body)
            parent = Parent(it.key, it.parent, it.which, it.body, row)
            which = it.which or which_of(decode_task(it.body))
            self._places.add((it.key, it.parent, which))
            if it.fired is None:
                self._wait(parent)
            elif lasting:
                self._fired[it.key, it.parent, row].append(parent)

    def add(self, parent: Parent) -> bool:
        """Let a parent wait; return False for one that was there before."""
        if parent.place in self._places:
            return False
        self._places.add(parent.place)
        self._wait(parent)
        return True

    def _wait(self, parent: Parent) -> None:
        self._age[parent.place] = len(self._age)
        self._waiting[parent.key, parent.ref, parent.row].append(parent)
        for above in _with_those_above(parent.row):
            self._rows[parent.key, above][parent.row] = None

    def complete(self, new: Iterable[Parent]) -> Sequence[Sequence[Parent]]:
        """Take out those to whom all have come: of each parent the oldest.

        It costs what the new ones and the rows below them are, however many wait.

        Args:
            new: Those that were added: without one of them none is complete.
        """
        full = []
        for key, above in dict.fromkeys((it.key, it.row) for it in new):
            for row in self._rows[key, above]:
                while found := self._choose(key, row):
                    self._take(found)
                    full.append(found)
        first = self._age
        return sorted(full, key=lambda it: (it[0].key, first.get(it[0].place, -1)))

    def _choose(self, key: str, row: str) -> Sequence[Parent]:
        """Return one of each parent for a row; nothing when some lack."""
        refs = self._phase.parents
        # It meets the next of those above it that it has not met.
        met = max(len(self._fired.get((key, ref, row), ())) for ref in refs)
        found: list[Parent] = []
        for ref in refs:
            partner = self._partner(key, ref, row, met)
            if partner is None:
                return ()
            found.append(partner)
        return found if any(it.row == row for it in found) else ()

    def _partner(self, key: str, ref: str, row: str, met: int) -> Parent | None:
        """Return the nearest one that is of a row, or above it."""
        for above in _with_those_above(row):
            fired = self._fired.get((key, ref, above), ())
            if above != row and met < len(fired):
                return fired[met]
            if waiting := self._waiting.get((key, ref, above)):
                return waiting[0]
        return None

    def _take(self, found: Sequence[Parent]) -> None:
        for it in found:
            place = (it.key, it.ref, it.row)
            waiting = self._waiting.get(place)
            if waiting and waiting[0] is it:
                waiting.popleft()
                if self._lasting:
                    self._fired[place].append(it)


def _with_those_above(row: str) -> Iterator[str]:
    """Yield a row of a batch, and those that it is below."""
    while row:
        yield row
        row = row.rpartition(".")[0]
    yield ""


def row_of(phase: Phase, body: bytes) -> str:
    """Return which row a parent is of, where that tells who belongs together."""
    if phase.join != "run" or ROW.encode() not in body:
        return ""
    return values_of(decode_task(body).meta).get(ROW, "")


def which_of(task: Task) -> str:
    """Return what tells a task from others of its name, as the store has it."""
    return key_of("which", *identity(task)).partition(":")[2][:16]


def missing_of(phase: Phase, parents: Collection[str]) -> str:
    """Return who has not arrived at a join, for people."""
    missing = [ref for ref in phase.parents if ref not in parents]
    return ", ".join(missing) or f"others of one {ROW}"
