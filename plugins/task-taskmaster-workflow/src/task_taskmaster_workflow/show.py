"""A workflow drawn as text: a tree for the terminal, Mermaid, dot, JSON."""

import json
from datetime import datetime
from typing import Any

from task_taskmaster_workflow.forecast import Rehearsed, next_firings, rehearse
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.phase import Batch, On, Phase
from task_taskmaster_workflow.read import Workflow

Rehearsal = dict[int, Rehearsed]


def rehearsal(graph: Graph, moment: datetime | None) -> Rehearsal:
    """Return what each phase would send for a date; nothing without one."""
    if moment is None:
        return {}
    return {id(it.phase): it for it in rehearse(graph, moment)}


def tree(workflow: Workflow, moment: datetime | None = None) -> str:
    """Draw it as lines for a terminal; with a date, with the infos of its tasks."""
    graph = Graph(workflow.phases)
    drawn: set[int] = set()
    infos = rehearsal(graph, moment)
    lines = [workflow.name]
    roots = graph.roots
    for number, root in enumerate(roots):
        lines += _branch(graph, root, "", number + 1 == len(roots), drawn, infos)
    return "\n".join(lines)


def _branch(
    graph: Graph,
    phase: Phase,
    indent: str,
    last: bool,
    drawn: set[int],
    infos: Rehearsal,
) -> list[str]:
    bend, gap = ("└─ ", "   ") if last else ("├─ ", "│  ")
    again = id(phase) in drawn
    drawn.add(id(phase))
    lines = [f"{indent}{bend}{phase.name}{_note(phase)}{' (above)' if again else ''}"]
    if again:
        return lines
    children = graph.children(phase)
    stem = indent + gap + ("│  " if children else "   ")
    lines += [f"{stem}{info}" for info in _infos(infos.get(id(phase)))]
    for number, child in enumerate(children):
        end = number + 1 == len(children)
        lines += _branch(graph, child, indent + gap, end, drawn, infos)
    return lines


def _note(phase: Phase) -> str:
    """Return when and how a phase starts, in short."""
    notes = [f"at {it.text} {it.zone}" for it in phase.crons]
    if phase.files:
        notes.append(f"files {phase.files}")
    if phase.manual:
        notes.append("by hand")
    if len(phase.parents) > 1:
        how = {"run": "of one run", "time": "of one time"}.get(phase.join, phase.join)
        notes.append(f"after all of {', '.join(phase.parents)} {how}")
    if phase.on != {On.COMPLETE}:
        notes.append(f"on {', '.join(sorted(phase.on))}")
    if phase.require:
        notes.append(f"needs {', '.join(phase.require)}")
    if phase.batch:
        notes.append(_batch(phase.batch))
    if phase.retry:
        notes.append(f"retry {phase.retry}")
    return f"  [{'; '.join(notes)}]" if notes else ""


def _batch(batch: Batch) -> str:
    of = batch.meta_file or " x ".join(batch.meta) or "dates"
    return f"batch of {of}" + (f" by {batch.by}" if batch.length is not None else "")


def _infos(rehearsed: Rehearsed | None, most: int = 5) -> list[str]:
    if rehearsed is None:
        return []
    if rehearsed.problem:
        return [f"! {rehearsed.problem}"]
    drafts = rehearsed.drafts
    lines = [draft.info or '""' for draft in drafts[:most]]
    if len(drafts) > most:
        lines.append(f"... and {len(drafts) - most} more")
    return lines


def mermaid(workflow: Workflow, moment: datetime | None = None) -> str:
    """Draw it for Mermaid, which many pages show."""
    graph = Graph(workflow.phases)
    infos = rehearsal(graph, moment)
    place = {id(phase): f"p{n}" for n, phase in enumerate(workflow.phases)}
    lines = ["flowchart TD"]
    for phase in workflow.phases:
        words = [phase.name, *_under(phase), *_infos(infos.get(id(phase)), 1)]
        label = "<br>".join(_quoted(word, _MERMAID) for word in words)
        lines.append(f'    {place[id(phase)]}["{label}"]')
    lines += [f"    {place[a]} --> {place[b]}" for a, b in _edges(graph)]
    return "\n".join(lines)


def dot(workflow: Workflow, moment: datetime | None = None) -> str:
    """Draw it for Graphviz."""
    graph = Graph(workflow.phases)
    infos = rehearsal(graph, moment)
    place = {id(phase): f"p{n}" for n, phase in enumerate(workflow.phases)}
    title = _quoted(workflow.name, _DOT)
    lines = [f'digraph "{title}" {{', "  node [shape=box];"]
    for phase in workflow.phases:
        words = [phase.name, *_under(phase), *_infos(infos.get(id(phase)), 1)]
        label = "\\n".join(_quoted(word, _DOT) for word in words)
        lines.append(f'  {place[id(phase)]} [label="{label}"];')
    lines += [f"  {place[a]} -> {place[b]};" for a, b in _edges(graph)]
    return "\n".join([*lines, "}"])


_MERMAID = {'"': "#quot;", "<": "#lt;"}
_DOT = {"\\": "\\\\", '"': '\\"'}


def _under(phase: Phase) -> list[str]:
    return [f"{cron.text} {cron.zone}" for cron in phase.crons]


def _quoted(word: str, signs: dict[str, str]) -> str:
    for sign, instead in signs.items():
        word = word.replace(sign, instead)
    return word


def _edges(graph: Graph) -> list[tuple[int, int]]:
    return [(id(a), id(b)) for a in graph.phases for b in graph.children(a)]


def as_json(workflow: Workflow, moment: datetime | None, now: datetime) -> str:
    """Write all that is known as JSON."""
    graph = Graph(workflow.phases)
    infos = rehearsal(graph, moment)
    phases = [_facts(graph, phase, infos, now) for phase in workflow.phases]
    facts = {"workflow": workflow.name, "phases": phases}
    return json.dumps(facts, indent=2, ensure_ascii=False)


def _facts(graph: Graph, phase: Phase, infos: Rehearsal, now: datetime) -> Any:
    facts: dict[str, Any] = {
        "phase": phase.name,
        "line": phase.line,
        "cron": [it.text for it in phase.crons],
        "next": [it.isoformat() for it in next_firings(phase, now)],
        "timezone": str(phase.zone),
        "dependsOn": list(phase.parents),
        "children": [it.name for it in graph.children(phase)],
        "on": sorted(phase.on),
        "join": phase.join if len(phase.parents) > 1 else None,
        "require": list(phase.require),
        "template": phase.template,
        "meta_goes_down": sorted(graph.needed(phase)),
        "retry": phase.retry,
    }
    if rehearsed := infos.get(id(phase)):
        facts["tasks"] = [
            {"info": it.info, "meta": dict(it.meta)} for it in rehearsed.drafts
        ]
        facts["problem"] = rehearsed.problem or None
    return facts
