"""Reads entry points from `*.dist-info` folders, without `importlib.metadata`.

Importing that module takes longer than all the rest of the start; see
docs/decisions/001. Where it sees more than a scan of folders would, it is used.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any

import attrs

EntryPoint = tuple[str, str, str]
"""Group, name, value."""

GROUPS = "task_core."
_SUFFIXES = (".dist-info", ".egg-info")


@attrs.frozen(kw_only=True, eq=False)
class Distribution:
    """An installed distribution.

    Args:
        key: What it is told apart by: the name in its folder's name, normalised.
        name: In lower case, with `-`.
        version: As its metadata says it.
        location: The folder that holds the metadata.
        entry_points: Those of our groups.
    """

    key: str
    name: str
    version: str
    location: str
    entry_points: tuple[EntryPoint, ...]


def scan_path(path: Sequence[str]) -> list[Distribution]:
    """Return the distributions that bring plugins; of one name, the first counts.

    Args:
        path: Folders as in `sys.path`; `""` is the current one.
    """
    seen: set[str] = set()
    found = []
    for distribution in every_copy(path):
        if distribution.key not in seen:
            seen.add(distribution.key)
            if distribution.entry_points:
                found.append(distribution)
    return found


def every_copy(path: Sequence[str]) -> Iterator[Distribution]:
    """Yield all distributions, also those that another one of that name hides."""
    return _slow_scan(path) if _needs_slow_way(path) else _scan(path)


def normalise(name: str) -> str:
    """Return a distribution's name as package indexes compare it.

    Example:
        >>> normalise("Task_Bus.nsq")
        'task-bus-nsq'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_entry_points(text: str) -> Iterator[EntryPoint]:
    r"""Read the entry points of our groups from an `entry_points.txt`.

    Example:
        >>> list(parse_entry_points("[task_core.bus]\nnsq = task_bus_nsq.plugin:bus"))
        [('task_core.bus', 'nsq', 'task_bus_nsq.plugin:bus')]
    """
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif group.startswith(GROUPS) and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            # Extras (`module:object [extra]`) are obsolete: they change nothing.
            yield group, name.strip(), "".join(value.partition("[")[0].split())


def read_text(location: str, name: str) -> str:
    """Return a file of a metadata folder, or nothing if it is not there."""
    try:
        with open(os.path.join(location, name), encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def headers(location: str, key: str) -> list[str]:
    """Return all values of one header, for example `Requires-Dist`."""
    text = read_text(location, "METADATA") or read_text(location, "PKG-INFO")
    head = text.partition("\n\n")[0]
    start = f"{key.lower()}:"
    lines = [line for line in head.splitlines() if line.lower().startswith(start)]
    return [line[len(start) :].strip() for line in lines]


def _scan(path: Iterable[str]) -> Iterator[Distribution]:
    for folder in dict.fromkeys(path):
        try:
            entries = os.listdir(folder or ".")
        except OSError:  # entries of sys.path need not exist
            continue
        is_egg = folder.lower().endswith(".egg")
        for entry in entries:
            low = entry.lower()
            if low.endswith(_SUFFIXES):
                yield _read(os.path.join(folder, entry), entry)
            elif is_egg and low == "egg-info":
                yield _read(os.path.join(folder, entry), os.path.basename(folder))


def _read(location: str, folder: str) -> Distribution:
    stem = folder.rpartition(".")[0]
    key, _, rest = stem.partition("-")
    text = read_text(location, "entry_points.txt")
    points = tuple(parse_entry_points(text)) if f"[{GROUPS}" in text else ()
    # Others are only needed for what they hide: their metadata is not read.
    name = headers(location, "Name") if points else []
    version = headers(location, "Version") if points else []
    return Distribution(
        key=normalise(key),
        name=normalise(name[0] if name else key),
        version=version[0] if version else rest.partition("-")[0],
        location=location,
        entry_points=points,
    )


def _needs_slow_way(path: Sequence[str]) -> bool:
    """Whether there is more to see than folders."""
    others = any(
        hasattr(finder, "find_distributions") and finder is not PathFinder
        for finder in sys.meta_path
    )
    return others or any(os.path.isfile(entry) for entry in path)


def _slow_scan(path: Sequence[str]) -> Iterator[Distribution]:
    # Loaded here only, since few need it and it costs 25 ms.
    metadata: Any = import_module("importlib.metadata")
    for distribution in metadata.distributions(path=list(path)):
        text = distribution.read_text("entry_points.txt") or ""
        location = str(getattr(distribution, "_path", ""))
        key = os.path.basename(location).partition("-")[0]
        name = distribution.metadata.get("Name") or key
        yield Distribution(
            key=normalise(name),
            name=normalise(name),
            version=distribution.metadata.get("Version") or "",
            location=location,
            entry_points=tuple(parse_entry_points(text)),
        )
