"""What can be said about a distribution without importing anything from it."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import distributions
from typing import Any
from urllib.parse import unquote, urlsplit

from task_core.discovery.failure import requirement_name
from task_core.discovery.finding import Finding, Level
from task_core.discovery.found import CORE, Found
from task_core.discovery.metadata import every_copy, headers, normalise, read_text

Versions = dict[str, str]
"""Version by distribution, of everything that is installed."""


def installed_versions(path: Sequence[str]) -> Versions:
    """Return what is installed; of one name, the first counts."""
    versions: Versions = {}
    for distribution in distributions(path=list(path)):
        metadata = distribution.metadata
        if "Name" in metadata:
            versions.setdefault(normalise(metadata["Name"]), distribution.version)
    return versions


def stale(found: Found) -> Iterator[Finding]:
    """P08: what was installed is no longer there."""
    again = f"pip install --force-reinstall {found.distribution}"
    if not headers(found.location, "Name"):
        cause = f"{found.location} has no metadata: an uninstall left it behind"
        yield _of(found, "P08", Level.FAIL, cause, f"delete the folder, or {again}")
    source = _editable_source(found.location)
    if source and not os.path.exists(source):
        cause = f"it is an editable install of {source}, which is gone"
        fix = f"pip uninstall {found.distribution}, or install it from where it is now"
        yield _of(found, "P08", Level.FAIL, cause, fix)


def _editable_source(location: str) -> str:
    try:
        url = json.loads(read_text(location, "direct_url.json") or "{}")
        editable = url.get("dir_info", {}).get("editable")
        return unquote(urlsplit(url["url"]).path) if editable else ""
    except (ValueError, KeyError, AttributeError):
        return ""


def copies(found: Found, path: Sequence[str]) -> Iterator[Finding]:
    """P11: the distribution is there more than once, and one copy hides the others."""
    key = normalise(os.path.basename(found.location).partition("-")[0])
    used = os.path.realpath(found.location)
    hidden = {os.path.realpath(d.location) for d in every_copy(path) if d.key == key}
    for location in sorted(hidden - {used}):
        cause = f"it is installed twice: {used} hides {location}"
        fix = f"pip uninstall {found.distribution}, then install it once"
        yield _of(found, "P11", Level.WARN, cause, fix)


def requirements(found: Found, versions: Versions) -> Iterator[Finding]:
    """P07: something that it requires is missing or has a wrong version."""
    packaging = _packaging()
    for text in headers(found.location, "Requires-Dist"):
        wanted = packaging(text) if packaging else None
        if wanted is None and ";" in text:
            continue  # who it is for takes more than we know
        if wanted and wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        requirement = text.partition(";")[0].strip()
        version = versions.get(normalise(requirement_name(requirement)))
        fix = f"pip install '{requirement}'"
        if version is None:
            cause = f"it requires {requirement}, which is not installed"
            yield _of(found, "P07", Level.FAIL, cause, fix)
        elif wanted and not wanted.specifier.contains(version, prereleases=True):
            cause = f"it requires {requirement}, but {version} is installed"
            yield _of(found, "P07", Level.FAIL, cause, fix)


def _packaging() -> Callable[[str], Any] | None:
    """Return what reads requirements, if it is installed: it is no dependency."""
    try:
        module = import_module("packaging.requirements")
    except ImportError:
        return None
    requirement: Callable[[str], Any] = module.Requirement
    return requirement


def manners(found: Found) -> Iterator[Finding]:
    """P12: what would make it a better neighbour. For authors."""
    on_core = [
        text
        for text in headers(found.location, "Requires-Dist")
        if normalise(requirement_name(text)) == CORE
    ]
    if not any(mark in text for text in on_core for mark in ("<", "~=", "==")):
        cause = f"its requirements set no upper bound on {CORE}"
        fix = f'its author can add "{CORE}>=0.1,<1" to its dependencies'
        yield _of(found, "P12", Level.INFO, cause, fix)
    record = read_text(found.location, "RECORD")
    if record and "py.typed" not in record and not _editable_source(found.location):
        cause = "it has no py.typed: type checkers do not see its types"
        yield _of(found, "P12", Level.INFO, cause, "its author can add that file")


def _of(found: Found, code: str, level: Level, cause: str, fix: str) -> Finding:
    """Make a finding about a whole distribution."""
    return Finding(
        code=code, level=level, distribution=found.distribution, cause=cause, fix=fix
    )
