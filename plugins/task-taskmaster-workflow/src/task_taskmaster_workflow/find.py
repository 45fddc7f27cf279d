"""Phases by what people call them."""

from collections.abc import Iterable, Sequence

from task_rules.names import nearest

from task_core.api import UsageError
from task_taskmaster_workflow.phase import Phase
from task_taskmaster_workflow.read import Workflow


def find_phase(workflows: Sequence[Workflow], name: str) -> tuple[Workflow, Phase]:
    """Return the phase that a name means, and its file.

    Args:
        workflows: Where to look.
        name: `type`, `type:job`, or either behind `file.toml/`; with `#2` at its end,
            the second one of that name.

    Raises:
        UsageError: There is none, or there are several.
    """
    found = list(_meant(workflows, name))
    if not found:
        raise UsageError(f"there is no phase {name!r}{near(workflows, name)}")
    if len(found) > 1:
        choice = ", ".join(
            f"{w.name}/{name_in(w, it)}{_where(w, it)}" for w, it in found
        )
        raise UsageError(f"{name!r} means several phases: name one of {choice}")
    return found[0]


def is_phase(workflows: Sequence[Workflow], name: str) -> bool:
    """Return whether there is a phase, or several, that a name means."""
    return any(True for _ in _meant(workflows, name))


def name_in(workflow: Workflow, phase: Phase) -> str:
    """Return what means a phase within its file, also where several have its name."""
    several = sum(it.name == phase.name for it in workflow.phases) > 1
    return f"{phase.name}#{phase.ordinal + 1}" if several else phase.name


def _where(workflow: Workflow, phase: Phase) -> str:
    several = name_in(workflow, phase) != phase.name
    return f" (line {phase.line})" if several else ""


def near(workflows: Iterable[Workflow], name: str) -> str:
    """Return `: did you mean 'x'?` for the phases of that type, or the nearest one."""
    phases = [phase for workflow in workflows for phase in workflow.phases]
    jobs = " or ".join(repr(it.name) for it in phases if it.type == name)
    if jobs:
        return f": did you mean {jobs}?"
    return nearest(name, [phase.name for phase in phases])


def _meant(
    workflows: Iterable[Workflow], name: str
) -> Iterable[tuple[Workflow, Phase]]:
    for workflow in workflows:
        for phase in workflow.phases:
            names = (phase.name, f"{phase.name}#{phase.ordinal + 1}")
            if name in (*names, *(f"{workflow.name}/{it}" for it in names)):
                yield workflow, phase
