"""What the doctor can say, and what it says of distributions: nothing is imported."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from importlib.metadata import Distribution, PackageNotFoundError, version
from typing import Any

import attrs

from task_core.discovery.found import CORE, Found, normalise
from task_core.discovery.installed import copies_of, header, text_of, why_unread
from task_core.discovery.remedies import (
    requirement_name,
    requirements_of,
    source_of,
)


class Level(StrEnum):
    """How bad it is."""

    OK = "OK"
    INFO = "INFO"
    WARN = "WARN"
    FAIL = "FAIL"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that the doctor noticed.

    Args:
        code: For example `P01`; `P00` is a plugin in good health.
        level: How bad it is.
        kind, name: The plugin; empty when it is about the whole distribution.
        distribution: Who brings it.
        cause: What is so, in one line.
        fix: What to do, in one line; empty when there is nothing to do.
    """

    code: str
    level: Level
    kind: str = ""
    name: str = ""
    distribution: str = ""
    cause: str
    fix: str = ""


def about(found: Found, code: str, level: Level, cause: str, fix: str = "") -> Finding:
    """Make a finding about one plugin."""
    return Finding(
        code=code,
        level=level,
        kind=found.kind,
        name=found.name,
        distribution=found.distribution,
        cause=cause,
        fix=fix,
    )


def stale(found: Found) -> Iterator[Finding]:
    """P08: what was installed is no longer there."""
    again = f"pip install --force-reinstall {found.distribution}"
    distribution = Distribution.at(found.location)
    if not (header(distribution, "Name") or why_unread(distribution)):
        cause = f"{found.location} has no metadata: an uninstall left it behind"
        yield _of(found, "P08", Level.FAIL, cause, f"delete the folder, or {again}")
    source = source_of(found, editable=True)
    if source and not os.path.exists(source):
        cause = f"it is an editable install of {source}, which is gone"
        fix = f"pip uninstall {found.distribution}, or install it from where it is now"
        yield _of(found, "P08", Level.FAIL, cause, fix)


def copies(found: Found, path: Sequence[str]) -> Iterator[Finding]:
    """P11: the distribution is there more than once, and one copy hides the others."""
    used = os.path.realpath(found.location)
    for location in sorted(copies_of(found, path) - {used}):
        cause = f"it is installed twice: {used} hides {location}"
        fix = f"pip uninstall {found.distribution}, then install it once"
        yield _of(found, "P11", Level.WARN, cause, fix)


def requirements(found: Found, versions: Mapping[str, str]) -> Iterator[Finding]:
    """P07: something that it requires is missing or has a wrong version.

    Args:
        found: A plugin of the distribution.
        versions: What is installed: version by distribution.
    """
    if why := why_unread(Distribution.at(found.location)):
        cause = f"its metadata cannot be read ({why}), nor what it requires"
        fix = f"pip install --upgrade {found.distribution}, or tell its author"
        yield _of(found, "P07", Level.WARN, cause, fix)
    yield from _unmet(found, requirements_of(found), versions)


def needs_newer_core(found: Found) -> Finding | None:
    """Return what says that a plugin requires another core than this one, if it does.

    Args:
        found: The plugin.
    """
    with suppress(PackageNotFoundError):
        on_core = [
            text
            for text in requirements_of(found)
            if normalise(requirement_name(text)) == CORE
        ]
        unmet = _unmet(found, on_core, {CORE: version(CORE)})
        return next((one for one in unmet if one.level is Level.FAIL), None)
    return None


def _unmet(
    found: Found, texts: Sequence[str], versions: Mapping[str, str]
) -> Iterator[Finding]:
    packaging = _packaging()
    for text in texts:
        try:
            wanted = packaging(text) if packaging else None
            if wanted and wanted.marker and not wanted.marker.evaluate({"extra": ""}):
                continue
        except ValueError:  # of `packaging`; pip only warns as well
            cause = f"its requirement '{text}' cannot be read"
            yield _of(found, "P07", Level.WARN, cause, "its author must mend it")
            continue
        if wanted is None and ";" in text:
            continue  # who it is for takes more than we know
        requirement = text.partition(";")[0].strip()
        there = versions.get(normalise(requirement_name(requirement)))
        fix = f"pip install '{requirement}'"
        if there is None:
            cause = f"it requires {requirement}, which is not installed"
            yield _of(found, "P07", Level.FAIL, cause, fix)
        elif wanted and not _admits(wanted, there):
            what = f"{there or 'one without a version'} is installed"
            cause = f"it requires {requirement}, but {what}"
            yield _of(found, "P07", Level.FAIL, cause, fix)


def _admits(wanted: Any, there: str) -> bool:
    try:
        return bool(wanted.specifier.contains(there, prereleases=True))
    except ValueError:  # that is no version
        return False


def _packaging() -> Callable[[str], Any] | None:
    """Return what reads requirements, if it is installed: it is no dependency."""
    try:
        from packaging.requirements import Requirement  # noqa: PLC0415  see above
    except ImportError:
        return None
    return Requirement


def manners(found: Found) -> Iterator[Finding]:
    """P12: what would make it a better neighbour. For authors."""
    on_core = [
        text
        for text in requirements_of(found)
        if normalise(requirement_name(text)) == CORE
    ]
    if not any(mark in text for text in on_core for mark in ("<", "~=", "==")):
        cause = f"its requirements set no upper bound on {CORE}"
        fix = f'its author can add "{CORE}>=0.1,<1" to its dependencies'
        yield _of(found, "P12", Level.INFO, cause, fix)
    record = text_of(Distribution.at(found.location), "RECORD")
    if record and "py.typed" not in record and not source_of(found, editable=True):
        cause = "it has no py.typed: type checkers do not see its types"
        yield _of(found, "P12", Level.INFO, cause, "its author can add that file")


def _of(found: Found, code: str, level: Level, cause: str, fix: str) -> Finding:
    """Make a finding about a whole distribution."""
    return Finding(
        code=code, level=level, distribution=found.distribution, cause=cause, fix=fix
    )
