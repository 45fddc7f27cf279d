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

_FOLDER = re.compile(r"(?P<name>.+?)(?:-(?P<version>[^-]+)(?:-.*)?)?\.(?:dist|egg)-info")
_OURS = "[task_core."


@attrs.frozen(kw_only=True, eq=False)
class Distribution:
    """An installed distribution that brings plugins.

    Args:
        name: In lower case, with `-`.
        version: As its metadata says it.
        location: The folder that holds the metadata.
        entry_points: Those of our groups.
    """

    name: str
    version: str
    location: str
    entry_points: tuple[EntryPoint, ...]


def scan_path(path: Sequence[str]) -> list[Distribution]:
    """Return the distributions that bring plugins; of one name, the first counts.

    Args:
        path: Folders as in `sys.path`; `""` is the current one.
    """
    if _needs_slow_way(path):
        return list(_first_of_each(_slow_scan(path)))
    return list(_first_of_each(_scan(path)))


def normalise(name: str) -> str:
    """Return a distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_entry_points(text: str) -> Iterator[EntryPoint]:
    """Read the entry points of our groups from an `entry_points.txt`."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[] ")
        elif group.startswith("task_core.") and "=" in line and line[0] not in "#;":
            name, _, value = line.partition("=")
            yield group, name.strip(), value.strip().partition(" ")[0]


def _scan(path: Iterable[str]) -> Iterator[Distribution]:
    for folder in dict.fromkeys(path):
        try:
            entries = os.listdir(folder or ".")
        except OSError:  # entries of sys.path need not exist
            continue
        for entry in entries:
            if entry.endswith(("dist-info", "egg-info")):
                yield from _read(os.path.join(folder, entry))


def _read(location: str) -> Iterator[Distribution]:
    """Yield the distribution in a metadata folder; bare if it brings no plugins."""
    match = _FOLDER.fullmatch(os.path.basename(location))
    if match is None:
        return
    name, version = normalise(match["name"]), match["version"] or ""
    text = _text(location, "entry_points.txt")
    points = tuple(parse_entry_points(text)) if _OURS in text else ()
    if points:
        name, version = _identity(location, name, version)
    yield Distribution(
        name=name, version=version, location=location, entry_points=points
    )


def _identity(location: str, name: str, version: str) -> tuple[str, str]:
    """Return name and version as the metadata says them; the folder may lack them."""
    head = _text(location, "METADATA") or _text(location, "PKG-INFO")
    for line in head.partition("\n\n")[0].splitlines():
        key, _, value = line.partition(": ")
        if key == "Name":
            name = normalise(value)
        elif key == "Version":
            version = value
    return name, version


def _text(location: str, name: str) -> str:
    try:
        with open(os.path.join(location, name), encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def _first_of_each(distributions: Iterable[Distribution]) -> Iterator[Distribution]:
    seen: set[str] = set()
    for distribution in distributions:
        if distribution.name not in seen:
            seen.add(distribution.name)
            if distribution.entry_points:
                yield distribution


def _needs_slow_way(path: Sequence[str]) -> bool:
    """Whether there is more to see than folders."""
    others = any(
        hasattr(finder, "find_distributions") and finder is not PathFinder
        for finder in sys.meta_path
    )
    return others or any(os.path.isfile(entry) for entry in path)


def _slow_scan(path: Sequence[str]) -> Iterator[Distribution]:
    metadata: Any = import_module("importlib.metadata")
    for distribution in metadata.distributions(path=list(path)):
        text = distribution.read_text("entry_points.txt") or ""
        yield Distribution(
            name=normalise(distribution.metadata["Name"] or ""),
            version=distribution.metadata["Version"] or "",
            location=str(getattr(distribution, "_path", "")),
            entry_points=tuple(parse_entry_points(text)),
        )
