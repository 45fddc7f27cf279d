"""Facts as a table: a line for each launcher and each taskmaster."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from task_command_status.cells import cut, plain, width

HEADS = ("ADDRESS", "NAME", "STATE", "UP", "DONE", "FAILED", "DEAD", "RUN", "MEAN")
LEFT = 3
"""Columns of text; those of numbers follow."""
LONGEST = 48
"""How wide a column may be."""


def rows(address: str, facts: Mapping[str, Any], error: str) -> Iterator[list[str]]:
    """Return the lines of one address.

    Args:
        address: Where it was asked.
        facts: What was answered.
        error: Why there was no answer.
    """
    if error:
        yield [address, "", error, *[""] * 6]
        return
    state = str(facts.get("state", ""))
    for one in _launchers(facts):
        yield [address, *_launcher(one, str(one.get("state", state)))]
    if master := facts.get("taskmaster"):
        yield [address, *_taskmaster(master, state)]


def _launchers(process: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    single = process.get("launcher")
    return [single] if single else process.get("launchers") or []


def _launcher(one: Mapping[str, Any], state: str) -> list[str]:
    results = one.get("results", {})
    failed = results.get("error", 0) + results.get("alert", 0)
    name, instance = one.get("worker", ""), one.get("instance")
    return [
        ".".join(str(part) for part in (name, instance) if part),
        state,
        str(one.get("runtime", "")),
        f"{sum(results.values()):,}",
        f"{failed:,}",
        f"{one.get('dead', 0):,}",
        f"{one.get('tasks_running', 0):,}",
        str(one.get("mean_tasktime", "")),
    ]


def _taskmaster(one: Mapping[str, Any], state: str) -> list[str]:
    sent = sum(one.get("producer", {}).get("sent", {}).values())
    dead = one.get("consumer", {}).get("dead", 0)
    state = str(one.get("state", state))  # of several: its own
    facts = [str(one.get("name", "")), state, str(one.get("runtime", ""))]
    return [*facts, f"{sent:,}", "", f"{dead:,}", "", ""]


def running(facts: Mapping[str, Any]) -> list[str]:
    """Return a line for each task that runs, those first that take longest."""
    tasks = [task for one in _launchers(facts) for task in one.get("tasks", [])]
    return [
        f"  {one['running']:>9}  {one['type']} {one.get('id') or one.get('info', '')}"
        f", attempt {one['attempt']}"
        for one in tasks
    ]


def table(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of text, the columns below one another."""
    cells = [[_short(plain(cell)) for cell in line] for line in (HEADS, *lines)]
    widths = [max(width(line[at]) for line in cells) for at in range(len(HEADS))]
    return [_line(line, widths) for line in cells]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    places = zip(cells, widths, strict=True)
    words = [
        f"{cell}{' ' * (wide - width(cell))}"
        if at < LEFT
        else f"{' ' * (wide - width(cell))}{cell}"
        for at, (cell, wide) in enumerate(places)
    ]
    return "  ".join(words).rstrip()


def _short(text: str) -> str:
    return text if width(text) <= LONGEST else f"{cut(text, LONGEST - 1)}…"
