"""The workflows in force, by what tasks say of themselves."""

from collections.abc import Iterable, Mapping

from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.phase import Phase, matches
from task_taskmaster_workflow.read import Workflow


class Entry:
    """One workflow, and who follows whom in it.

    Args:
        workflow: What its file says.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.graph = Graph(workflow.phases)
        self._by_name: dict[str, Phase] = {}
        self._numbered: dict[tuple[str, str], Phase] = {}
        for phase in workflow.phases:
            self._numbered[phase.name, str(phase.ordinal + 1)] = phase
            self._by_name.setdefault(phase.name, phase)
            self._by_name.setdefault(phase.type, phase)
        self._followers: dict[tuple[str, str], list[tuple[Phase, str]]] = {}

    def phase(self, type: str, job: str, number: str = "") -> Phase | None:
        """Return the phase that a task is of.

        One without a job is of the first phase of its type: workers may forget it.

        Args:
            type, job: Of the task.
            number: Which phase of that name its meta says; the first one when empty,
                or when the file has not as many any more.
        """
        name = f"{type}:{job}" if job else type
        if number and (phase := self._numbered.get((name, number))):
            return phase
        return self._by_name.get(name) or (self._by_name.get(type) if job else None)

    def followers(self, type: str, job: str) -> list[tuple[Phase, str]]:
        """Return the phases that follow a task, each with the parent it means."""
        known = self._followers.get((type, job))
        if known is None:
            known = [
                (phase, ref)
                for phase in self.workflow.phases
                for ref in phase.parents
                if matches(ref, type, job)
            ]
            if len(self._followers) < 10_000:  # tasks may bring any job
                self._followers[type, job] = known
        return known


class Book:
    """All workflows in force; it never changes.

    Args:
        workflows: What the files say.
    """

    def __init__(self, workflows: Iterable[Workflow]) -> None:
        self.entries: Mapping[str, Entry] = {it.name: Entry(it) for it in workflows}

    def entry(self, workflow: str) -> Entry | None:
        """Return the workflow of a task."""
        return self.entries.get(workflow)

    @property
    def phases(self) -> list[Phase]:
        """All phases."""
        entries = self.entries.values()
        return [phase for entry in entries for phase in entry.workflow.phases]
