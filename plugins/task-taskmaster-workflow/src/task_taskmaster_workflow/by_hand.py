"""The tasks of a phase that is started by hand, with values that a parent gives."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs
from task_rules import template as templates

from task_taskmaster_workflow.firing import Draft, for_date, rows_of
from task_taskmaster_workflow.graph import Graph
from task_taskmaster_workflow.phase import Phase
from task_taskmaster_workflow.read import Workflow
from task_taskmaster_workflow.rows import Row
from task_taskmaster_workflow.values import RESERVED


def by_hand(
    workflow: Workflow, phase: Phase, moment: datetime, meta: Mapping[str, str]
) -> list[Draft]:
    """Return the tasks of a phase for a date.

    Args:
        workflow, phase: Which.
        moment: The date that they are about.
        meta: Values that they have beside those of the phase; they count more.

    Raises:
        ValueError: Something that the template asks for is missing, a row of the batch
            gives it as well, there are too many, or the file of meta is wrong.
    """
    needed = Graph(workflow.phases).needed(phase)
    rows = rows_of(phase.batch) if phase.batch else [{}]
    for key in meta:
        if any(key in row for row in rows):
            raise ValueError(f"{phase} has {key} in its batch: leave out --meta {key}")
    phase = attrs.evolve(phase, meta={**phase.meta, **meta})
    for key in lacking(phase, rows) if rows else ():
        raise ValueError(f"template asks for {{meta:{key}}}: give --meta {key}=...")
    return for_date(phase, moment, needed)


def lacking(phase: Phase, rows: Sequence[Row]) -> list[str]:
    """Return the keys of meta that a template asks for, and only a parent would give.

    Args:
        phase: Whose.
        rows: The values of its batch.
    """
    given = {*RESERVED, *phase.meta}.union(*rows)
    return [
        it for it in dict.fromkeys(templates.keys(phase.template)) if it not in given
    ]


def read_meta(words: Iterable[str]) -> dict[str, str]:
    """Read `KEY=VALUE` of a command line; of a key that comes twice the last counts.

    Raises:
        ValueError: One is no such thing, or the taskmaster writes its key.
    """
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not re.fullmatch(r"\w+", key):
            raise ValueError(f"--meta takes KEY=VALUE, not {word!r}")
        if key in RESERVED:
            raise ValueError(f"--meta cannot set {key!r}: the taskmaster writes it")
        found[key] = value
    return found
