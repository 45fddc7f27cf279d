"""What only shows when all phases of a file are known."""

from pathlib import Path

from task_rules import template as templates
from task_rules.document import Document
from task_rules.moments import HOUR
from task_rules.names import nearest
from task_rules.table import Problem

from task_taskmaster_workflow.firing import rows_of
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.parquet import ADVICE, cannot_be_read
from task_taskmaster_workflow.phase import FILE_KEYS, Phase
from task_taskmaster_workflow.read import Workflow, read_phases
from task_taskmaster_workflow.values import RESERVED


def read_workflow(name: str, content: str) -> tuple[Workflow, Document]:
    """Read a file, and look at it as a whole.

    Args:
        name: As in the meta of tasks.
        content: Its text.

    Returns:
        The workflow, which nobody uses unless the document is usable; what is wrong
        is noted there.
    """
    file = Document(name, content)
    workflow = read_phases(file)
    graph = Graph(workflow.phases)
    broken = {
        problem.within.lower().partition(",")[0]
        for problem in file.problems
        if problem.serious
    }
    for number, phase in enumerate(workflow.phases):
        sound = f"phase {number + 1}" not in broken
        _Check(file, graph, number, phase).run(sound=sound)
    _note_cycles(file, graph)
    return workflow, file


class _Check:
    """Looks at one phase among the others."""

    def __init__(self, file: Document, graph: Graph, number: int, phase: Phase) -> None:
        self._file = file
        self._graph = graph
        self._before = graph.phases[:number]
        self._phase = phase

    def run(self, *, sound: bool) -> None:
        """Note all that is wrong.

        Args:
            sound: Nothing serious is wrong with it alone; else more would confuse.
        """
        if self._phase.type:
            self._look_for_doubles()
            self._look_for_parents()
        if sound:
            self._look_for_a_trigger()
            self._look_for_tokens()
            self._look_for_meta()
            self._look_for_a_reader()

    def _note(self, text: str, *, serious: bool) -> None:
        phase = self._phase
        self._file.problems.append(Problem(text, phase.line, phase.name, serious))

    def _look_for_doubles(self) -> None:
        phase = self._phase
        for other in self._before:
            if other.name == phase.name and _same_trigger(other, phase):
                text = f"the same phase stands in line {other.line} already"
                self._note(f"{text}: give one of them a job, as type:job", serious=True)
                return

    def _look_for_parents(self) -> None:
        known = [phase.name for phase in self._graph.phases]
        known += [phase.type for phase in self._graph.phases]
        for ref in self._phase.parents:
            if not self._graph.meant(ref):
                text = f"dependsOn names {ref!r}, which is no phase of this file"
                self._note(f"{text}{nearest(ref, known)}", serious=False)

    def _look_for_a_trigger(self) -> None:
        phase = self._phase
        if not (phase.crons or phase.parents or phase.files or phase.manual):
            text = "nothing ever starts it: give it cron or dependsOn"
            self._note(f"{text}, or manual = true for one of backloads", serious=False)

    def _look_for_tokens(self) -> None:
        """Note what is nearly a token; the rest is left as it is, as by flowlord."""
        for name in templates.unknown_names(self._phase.template):
            if hint := templates.meant(name):
                text = f"template has {{{name}}}, which stays as it is{hint}"
                self._note(text, serious=False)

    def _look_for_meta(self) -> None:
        """Note keys that nobody brings.

        What a worker adds to the meta of its task is not known here. So a key of a
        phase that follows others is only told when it is nearly one that is brought.
        """
        phase = self._phase
        own = _brought(phase)
        if own is None or any(_brought(it) is None for it in self._above):
            return
        if not (phase.crons or phase.parents or phase.files):
            return  # who starts it by hand may bring anything
        above = {key for it in self._above for key in _brought(it) or ()}
        known = own | above | set(RESERVED)
        for key in dict.fromkeys(templates.keys(phase.template)):
            hint = nearest(key, known)
            brought_by_parent = phase.parents and (key in phase.require or not hint)
            if key not in known and not brought_by_parent:
                text = f"template asks for {{meta:{key}}}, which nothing brings"
                self._note(f"{text}{hint}", serious=False)

    def _look_for_a_reader(self) -> None:
        """Tell of a file of meta that takes an extra; who runs it may have that."""
        file = self._phase.batch.meta_file if self._phase.batch else ""
        if cannot_be_read(Path(file)):
            self._note(f"meta_file {file} {ADVICE}", serious=False)

    @property
    def _above(self) -> list[Phase]:
        return self._graph.ancestors(self._phase)


def twins(graph: Graph, phase: Phase) -> str:
    """Return which tasks of a batch are the same, as nothing asks for what tells them.

    As in flowlord's files, a task has no keys of a batch that nobody asks for: that is
    no mistake, but hardly what was meant.
    """
    batch = phase.batch
    if batch is None or not batch.meta:
        return ""
    asked = {*templates.keys(phase.template), *phase.keep} | graph.needed(phase)
    rows = rows_of(batch)
    different = len({tuple(row.get(key) for key in sorted(asked)) for row in rows})
    names = ", ".join(key for key in batch.meta if key not in asked)
    if not names or different == len(rows):
        return ""
    count = "identical" if different == 1 else f"only {different} different ones"
    return f"{len(rows)} tasks of its batch, {count}: nothing asks for {names}"


def _brought(phase: Phase) -> set[str] | None:
    """Return the keys of meta that a phase gives its tasks; None when a file says."""
    if phase.batch and phase.batch.meta_file:
        return None
    batch = phase.batch.provides if phase.batch else set()
    files = set(FILE_KEYS) if phase.files else set()
    return {HOUR, *phase.meta, *phase.keep, *batch, *files}


def _same_trigger(one: Phase, other: Phase) -> bool:
    """Whether two phases of one name start at the same event."""
    same_time = {*one.crons} & {*other.crons}
    same_parent = set(one.parents) & set(other.parents)
    neither = not (one.crons or one.parents) and not (other.crons or other.parents)
    return bool(same_time or same_parent or neither)


def _note_cycles(file: Document, graph: Graph) -> None:
    for cycle in graph.cycles:
        round_ = " -> ".join(it.name for it in cycle)
        text = f"phases follow each other in a circle: {round_}"
        file.problems.append(Problem(text, cycle[0].line))
