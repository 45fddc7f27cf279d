"""What makes two tasks alike."""

import hashlib
import re
from collections.abc import Collection

from task_core.api import Task, parse_meta

PLACE = re.compile(r"\{([^{}]*)\}")
META = re.compile(r"\{(meta:[^{}]*)\}")
LONGEST = 200
"""Characters of a text that are kept as they are; of longer ones the digest counts."""


def names() -> Collection[str]:
    """Return what a template may name, values of the meta aside."""
    return ("type", "job", "info", "id")


def lacking(template: str, task: Task) -> str:
    """Return the first key of a template that the meta of a task does not have.

    Example:
        >>> lacking("{type} {meta:table}", Task(type="load", info="a"))
        'table'
    """
    if "{meta:" not in template:
        return ""
    meta = parse_meta(task.meta)
    names = (found[1].removeprefix("meta:") for found in META.finditer(template))
    return next((name for name in names if name not in meta), "")


def key_of(template: str, task: Task) -> str:
    """Fill a template with what a task says.

    Example:
        >>> key_of("{type} {meta:table}", Task(type="load", meta="table=a&table=b"))
        'load a,b'
    """
    meta = parse_meta(task.meta) if "{meta:" in template else {}

    def value(place: re.Match[str]) -> str:
        name = place[1]
        if name.startswith("meta:"):
            return ",".join(meta.get(name.removeprefix("meta:"), []))
        return str(getattr(task, name))

    return storable(PLACE.sub(value, template))


def storable(text: str) -> str:
    """Return a text as every store keeps it: a digest stands for what some refuse."""
    plain = text.encode(errors="replace").decode().replace("\0", "?")
    if plain == text and len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{plain[: LONGEST - len(digest) - 1]}~{digest}"
