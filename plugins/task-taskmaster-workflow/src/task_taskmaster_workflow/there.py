"""Who waits at the joins of a phase, and who of them belong together."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs
from task_store import key_of

from task_core.api import Task, decode_task
from task_taskmaster_workflow.making import identity, values_of
from task_taskmaster_workflow.phase import ROW, Phase

if TYPE_CHECKING:  # a library that takes long to load
    from task_store.join_rows import Arrived


@attrs.frozen
class Parent:
    """A parent at a join.

    Args:
        key: Which tasks belong together.
        ref: The parent that it is, as `dependsOn` names it.
        which: What tells it from others of that name; empty when an older version has
            written it.
        body: Its bytes.
    """

    key: str
    ref: str
    which: str
    body: bytes

    @property
    def row(self) -> tuple[str, str, str]:
        """Where the store has it."""
        return (self.key, self.ref, self.which)


class There:
    """Those that are there.

    Args:
        phase: Whose joins.
        known: What the store knows, the oldest first.
    """

    def __init__(self, phase: Phase, known: "Iterable[Arrived]") -> None:
        self._phase = phase
        self._waiting: dict[tuple[str, str], list[Parent]] = {}
        self._rows: set[tuple[str, str, str]] = set()
        for it in known:
            parent = Parent(it.key, it.parent, it.which, it.body)
            which = it.which or which_of(decode_task(it.body))
            self._rows.add((it.key, it.parent, which))
            if it.fired is None:
                self._wait(parent)

    def add(self, parent: Parent) -> bool:
        """Let a parent wait; return False for one that was there before."""
        if parent.row in self._rows:
            return False
        self._rows.add(parent.row)
        self._wait(parent)
        return True

    def _wait(self, parent: Parent) -> None:
        self._waiting.setdefault((parent.key, parent.ref), []).append(parent)

    def complete(self, keys: Collection[str]) -> Iterator[Sequence[Parent]]:
        """Take out those to whom all have come: of each parent the oldest."""
        for key in sorted(keys):
            while found := self._choose(key, self._phase.parents, []):
                yield found
                for it in found:
                    self._waiting[key, it.ref].remove(it)

    def _choose(
        self, key: str, refs: Sequence[str], chosen: Sequence[Parent]
    ) -> Sequence[Parent]:
        """Return one of each parent that fit together; nothing when some lack."""
        if not refs:
            return chosen
        if any(not self._waiting.get((key, ref)) for ref in refs):
            return ()
        for it in self._waiting.get((key, refs[0]), ()):
            if all(self._fit(it, other) for other in chosen):
                found = self._choose(key, refs[1:], [*chosen, it])
                if found:
                    return found
        return ()

    def _fit(self, one: Parent, other: Parent) -> bool:
        """Whether two of one key belong together: of one run, but not of two rows."""
        if self._phase.join != "run":
            return True
        rows = sorted((_row(one), _row(other)), key=len)
        return f"{rows[1]}.".startswith(f"{rows[0]}.") or not rows[0]


def _row(parent: Parent) -> str:
    """Return which of a batch it is, or below which one."""
    if ROW.encode() not in parent.body:
        return ""
    return values_of(decode_task(parent.body).meta).get(ROW, "")


def which_of(task: Task) -> str:
    """Return what tells a task from others of its name, as the store has it."""
    return key_of("which", *identity(task)).partition(":")[2][:16]


def missing_of(phase: Phase, parents: Collection[str]) -> str:
    """Return who has not arrived at a join, for people."""
    missing = [ref for ref in phase.parents if ref not in parents]
    return ", ".join(missing) or f"others of one {ROW}"
