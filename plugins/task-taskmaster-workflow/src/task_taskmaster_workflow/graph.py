"""What follows what within a file, and which keys of meta go down."""

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from task_taskmaster_workflow.phase import Phase, matches


class Graph:
    """The phases of one file, and who follows whom.

    Args:
        phases: In the order of the file.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self.phases = phases
        self._children = {
            id(phase): tuple(
                child
                for child in phases
                if any(matches(ref, phase.type, phase.job) for ref in child.parents)
            )
            for phase in phases
        }
        self._uneven: dict[int, bool] = {}
        self.cycles = self._find_cycles()
        self._down = {} if self.cycles else self._go_down()

    def children(self, phase: Phase) -> tuple[Phase, ...]:
        """Return the phases that follow one."""
        return self._children[id(phase)]

    def parents(self, phase: Phase) -> list[Phase]:
        """Return the phases that one follows, in the order of `dependsOn`."""
        found: list[Phase] = []
        for ref in phase.parents:
            found += (it for it in self.meant(ref) if it not in found)
        return found

    def meant(self, ref: str) -> list[Phase]:
        """Return the phases that `type` or `type:job` means."""
        return [it for it in self.phases if matches(ref, it.type, it.job)]

    @property
    def roots(self) -> list[Phase]:
        """The phases that follow no other one."""
        return [phase for phase in self.phases if not self.parents(phase)]

    def needed(self, phase: Phase) -> frozenset[str]:
        """Return the keys of meta that the descendants of a phase ask for."""
        return self._down.get(id(phase), frozenset())

    def ancestors(self, phase: Phase) -> list[Phase]:
        """Return all phases before one; the phase itself only within a cycle."""
        found: list[Phase] = []
        left = self.parents(phase)
        while left:
            one = left.pop()
            if one not in found:
                found.append(one)
                left += self.parents(one)
        return found

    def uneven(self, phase: Phase) -> bool:
        """Whether one of its parents may belong to several tasks of another one.

        So it is when they are of different batches of a run, or one of none.
        """
        known = self._uneven.get(id(phase))
        if known is None:
            known = len({self._batches(ref) for ref in phase.parents}) > 1
            self._uneven[id(phase)] = known
        return known

    def _batches(self, ref: str) -> frozenset[int]:
        """Return the batches that tasks of a parent are of, where they share an id."""
        meant = self.meant(ref)
        above = (up for it in meant for up in self.ancestors(it))
        return frozenset(id(it) for it in (*meant, *above) if it.batch and it.parents)

    def _find_cycles(self) -> list[list[Phase]]:
        """Return circles, each with its first phase at its end again.

        In each the first one depends on the next; without that there is no circle.
        """
        by_id = {id(phase): phase for phase in self.phases}
        edges = self._edges()
        found: list[list[Phase]] = []
        while True:
            try:
                TopologicalSorter(edges).prepare()
            except CycleError as error:
                keys = error.args[1]
            else:
                return found
            edges[keys[1]].remove(keys[0])
            found.append([by_id[key] for key in keys])

    def _edges(self) -> dict[int, list[int]]:
        return {key: [*map(id, its)] for key, its in self._children.items()}

    def _go_down(self) -> dict[int, frozenset[str]]:
        edges = self._edges()
        down: dict[int, frozenset[str]] = {}
        for key in TopologicalSorter(edges).static_order():  # children come first
            children = self._children[key]
            down[key] = frozenset(
                asked
                for child in children
                for asked in (*child.asks_for, *child.keep, *down[id(child)])
            )
        return down


def names(phases: Iterable[Phase]) -> str:
    """Return the names of phases for people."""
    return ", ".join(phase.name for phase in phases)
