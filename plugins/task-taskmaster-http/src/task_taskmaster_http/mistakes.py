"""What is wrong with a body that cannot be read: which task, which key, what to do."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from task_rules.names import nearest

from task_taskmaster_http.problem import RequestError

KEYS = ("type", "job", "info", "meta", "id", "created", "topic")
"""Of a task in a body."""
_KINDS = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def place_in(body: bytes, number: int, count: int) -> str:
    """Name a task by its line, as an editor counts: empty lines are no tasks.

    Args:
        body: A task a line.
        number: Which task, from 1.
        count: How many there are; by its number when they are not one a line.
    """
    lines = [number for number, _ in _lines(body)]
    return f"line {lines[number - 1]}" if len(lines) == count else f"task {number}"


def find_mistake(
    body: bytes, *, lines: bool, check: Callable[[bytes], object]
) -> RequestError | None:
    """Return what is wrong, with the first task that it is wrong with.

    Args:
        body: One task, a list of tasks, or one in each line.
        lines: Whether it is the last of these.
        check: Reads the JSON of a task; raises what msgspec raises.
    """
    try:
        for where, text in _items(body, lines=lines):
            if problem := _problem(text, where, check):
                return problem
    except _BROKEN as error:  # of a list, as a whole
        return RequestError(400, f"this is no JSON: {error}")
    return None


def _items(body: bytes, *, lines: bool) -> Iterator[tuple[str, bytes]]:
    if lines:
        yield from ((f"line {number}: ", line) for number, line in _lines(body))
    elif body.lstrip()[:1] == b"[":
        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
        yield from (
            (f"task {number}: ", bytes(it)) for number, it in enumerate(raws, 1)
        )
    else:
        yield "", body


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            yield number, line


def _problem(
    text: bytes, where: str, check: Callable[[bytes], object]
) -> RequestError | None:
    try:
        wrong = _wrong(text, check)
    except _BROKEN as error:
        return RequestError(400, f"{where}this is no JSON: {error}")
    return RequestError(422, f"{where}this is no task: {wrong}") if wrong else None


def _wrong(text: bytes, check: Callable[[bytes], object]) -> str:
    """Return what is wrong with the JSON of a task; what is none raises."""
    try:
        check(text)
    except msgspec.ValidationError as error:
        return _told(msgspec.json.decode(text)) or str(error)
    return ""


def _told(value: Any) -> str:
    """Return what is wrong with a task, as far as we have words for it."""
    if not isinstance(value, dict):
        return f"it is {_KINDS[type(value)]}, not an object with the key 'type'"
    for key, item in value.items():
        if key not in KEYS:
            return f"unknown key '{key}'{nearest(key, KEYS)}"
        if key == "meta":
            if problem := _meta(item):
                return problem
        elif not isinstance(item, str):
            return f"{key} must be text, not {_KINDS[type(item)]}"
    return "" if "type" in value else "it has no key 'type'"


def _meta(value: Any) -> str:
    """Return what is wrong with a meta."""
    wanted = "texts, or lists of texts"
    if isinstance(value, str):
        return ""
    if not isinstance(value, dict):
        return (
            f"meta is a query string, or keys with {wanted}; not {_KINDS[type(value)]}"
        )
    for key, items in value.items():
        if isinstance(items, str):
            continue
        for item in items if isinstance(items, list) else [items]:
            if not isinstance(item, str):
                hint = "; put it in quotes" if isinstance(item, int | float) else ""
                return f"meta takes {wanted}: '{key}' has {_KINDS[type(item)]}{hint}"
    return ""
