"""A workflow drawn as SVG: layers from top to bottom, boxes, lines between them.

Colours follow those of the page that it stands in, dark or light.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape
from itertools import pairwise

from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.phase import Phase
from task_taskmaster_workflow.read import Workflow
from task_taskmaster_workflow.show import Rehearsal, rehearsal

WIDTH, HEIGHT = 220, 48
GAP_X, GAP_Y, MARGIN = 28, 44, 16
XMLNS = 'xmlns="http://www.w3.org/2000/svg"'
LETTERS = 30
"""That fit into a box."""
STYLE = """<style>
.box{fill:none;stroke:currentColor;stroke-width:1.5}
.line{fill:none;stroke:currentColor;stroke-width:1.2;opacity:.6}
text{fill:currentColor;font:13px system-ui,sans-serif;text-anchor:middle}
.small{font-size:11px;opacity:.8}
</style>"""
Place = tuple[float, float]


def svg(workflow: Workflow, moment: datetime | None = None) -> str:
    """Draw a workflow as one SVG element."""
    graph = Graph(workflow.phases)
    layers = _layers(graph)
    widest = max(len(layer) for layer in layers)
    width = 2 * MARGIN + widest * (WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + len(layers) * (HEIGHT + GAP_Y) - GAP_Y
    places = _places(layers, width)
    infos = rehearsal(graph, moment)
    parts = [
        f'<svg {XMLNS} viewBox="0 0 {width} {height}" width="{width}"',
        f'height="{height}" role="img">',
        f"<title>{escape(workflow.name)}: {len(graph.phases)} phases</title>",
        STYLE,
        *_lines(graph, places),
        *(_box(phase, places[id(phase)], infos) for phase in graph.phases),
        "</svg>",
    ]
    return "\n".join(parts)


def _layers(graph: Graph) -> list[list[Phase]]:
    """Return the phases by how far they are from a root; parents nearly above."""
    depth: dict[int, int] = {}

    def deep(phase: Phase) -> int:
        if id(phase) not in depth:
            above = [deep(parent) for parent in graph.parents(phase)]
            depth[id(phase)] = max(above, default=-1) + 1
        return depth[id(phase)]

    layers: list[list[Phase]] = []
    for phase in sorted(graph.phases, key=deep):
        if len(layers) <= deep(phase):
            layers.append([])
        layers[-1].append(phase)
    for above, layer in pairwise(layers):
        order = {id(phase): number for number, phase in enumerate(above)}
        layer.sort(key=partial(_middle, graph, order))
    return layers


def _middle(graph: Graph, order: dict[int, int], phase: Phase) -> float:
    """Return where the parents of a phase are, on the average."""
    found = [order[id(it)] for it in graph.parents(phase) if id(it) in order]
    return sum(found) / len(found) if found else 0.0


def _places(layers: Sequence[Sequence[Phase]], width: float) -> dict[int, Place]:
    places: dict[int, Place] = {}
    for row, layer in enumerate(layers):
        used = len(layer) * (WIDTH + GAP_X) - GAP_X
        left = (width - used) / 2
        for column, phase in enumerate(layer):
            x = left + column * (WIDTH + GAP_X)
            places[id(phase)] = (x, MARGIN + row * (HEIGHT + GAP_Y))
    return places


def _lines(graph: Graph, places: dict[int, Place]) -> list[str]:
    found = []
    for phase in graph.phases:
        x, y = places[id(phase)]
        for child in graph.children(phase):
            a, b = places[id(child)]
            start, end = (x + WIDTH / 2, y + HEIGHT), (a + WIDTH / 2, b)
            half = (start[1] + end[1]) / 2
            found.append(
                f'<path class="line" d="M{start[0]:g} {start[1]:g}'
                f" C{start[0]:g} {half:g} {end[0]:g} {half:g}"
                f' {end[0]:g} {end[1]:g}"/>'
            )
    return found


def _box(phase: Phase, place: Place, infos: Rehearsal) -> str:
    x, y = place
    middle = x + WIDTH / 2
    rehearsed = infos.get(id(phase))
    small = ", ".join(cron.text for cron in phase.crons)
    title = phase.template
    if rehearsed and rehearsed.drafts:
        small = title = rehearsed.drafts[0].info
    return (
        f"<g><title>{escape(title)}</title>"
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}"'
        f' rx="6"/><text x="{middle:g}" y="{y + 20:g}">{_short(phase.name)}</text>'
        f'<text class="small" x="{middle:g}" y="{y + 37:g}">{_short(small)}</text></g>'
    )


def _short(text: str) -> str:
    return escape(text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…")
