"""Examines what is installed, and says what is wrong and what to do. Prints nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from task_core.discovery.catalog import Catalog
from task_core.discovery.explain import choice
from task_core.discovery.findings import (
    Finding,
    Level,
    about,
    copies,
    manners,
    requirements,
    stale,
)
from task_core.discovery.found import GROUPS, Found, admitted
from task_core.discovery.installed import UNREAD, misplaced, unreadable, versions
from task_core.discovery.loader import load
from task_core.discovery.probe import examine, probe
from task_core.errors import PluginError, UnknownPluginError, nearest

SLOW = 0.1
"""Seconds that the import of a manifest should not take."""

Check = Callable[[Found, Any], Iterable[Finding]]
"""Takes a plugin and its manifest."""


def diagnose(
    catalog: Catalog, names: Sequence[str] = (), checks: Sequence[Check] = ()
) -> list[Finding]:
    """Examine plugins, each in a process of its own.

    Args:
        catalog: What is installed.
        names: Plugins or distributions to examine; all when empty.
        checks: More to ask about those whose manifest is good.

    Returns:
        What was found; for a plugin in good health, one finding with level OK.

    Raises:
        UnknownPluginError: There is none of that name.
    """
    strangers, unread = misplaced(catalog.path), unreadable(catalog.path)
    found = _chosen(catalog, names, [*strangers, *(one for one, _ in unread)])

    def is_meant(one: Found) -> bool:
        meant = not names or {one.name, one.distribution} & {*names}
        return admitted(one.distribution, catalog.env) and bool(meant)

    findings = [_unread(one, why) for one, why in unread if is_meant(one)]
    findings += [_stranger(one) for one in strangers if is_meant(one)]
    findings += [*_of_distributions(found, catalog.path)]
    gone = {f.distribution for f in findings if f.code == "P08"}
    for plugin in found:
        if plugin.distribution not in gone:
            findings += _of_plugin(plugin, catalog, checks)
    return findings


def _unread(found: Found, why: str) -> Finding:
    """P08: nobody knows what it brings."""
    again = f"pip install --force-reinstall {found.distribution}, or tell its author"
    return about(found, "P08", Level.FAIL, f"{UNREAD}: {why}", again)


def _stranger(found: Found) -> Finding:
    """P13: it stands in a group that nothing reads."""
    hint = nearest(found.kind, GROUPS)
    cause = f"nothing reads its entry-point group '{found.kind}'{hint}"
    fix = "its author must name the group that is meant"
    level = Level.FAIL if hint else Level.WARN  # one of a newer core, perhaps
    return about(replace(found, kind=""), "P13", level, cause, fix if hint else "")


def _chosen(
    catalog: Catalog, names: Sequence[str], strangers: Sequence[Found]
) -> list[Found]:
    every = [*catalog.found, *strangers]
    known = {name for f in every for name in (f.name, f.distribution)}
    for name in names:
        if name not in known:
            text = f"there is no plugin or distribution '{name}'{nearest(name, known)}"
            raise UnknownPluginError(f"{text}\n'task plugins list' shows all")
    wanted = set(names)
    return [f for f in catalog.found if not wanted or {f.name, f.distribution} & wanted]


def _of_distributions(found: Sequence[Found], path: Sequence[str]) -> Iterator[Finding]:
    """Examine each distribution once, however many plugins it brings."""
    known = versions(path)
    for plugin in {f.distribution: f for f in found if f.location}.values():
        yield from stale(plugin)
        yield from copies(plugin, path)
        yield from requirements(plugin, known)
        yield from manners(plugin)


def _of_plugin(
    found: Found, catalog: Catalog, checks: Sequence[Check]
) -> Iterator[Finding]:
    findings = [*_conflict(found, catalog), *_import(found, catalog.path)]
    if not any(finding.level is Level.FAIL for finding in findings):
        findings += _further(found, checks)
    if all(finding.level is Level.INFO for finding in findings):
        findings.append(about(found, "P00", Level.OK, "in order"))
    yield from findings


def _further(found: Found, checks: Sequence[Check]) -> Iterator[Finding]:
    """Ask what needs the manifest, in this process, now that it is known to load."""
    try:
        manifest = load(found)
    except PluginError as error:  # this process differs, for example in its folders
        yield about(found, error.code, Level.FAIL, error.cause, error.fix)
        return
    for check in checks:
        yield from check(found, manifest)


def _conflict(found: Found, catalog: Catalog) -> Iterator[Finding]:
    """P06: neither can be used by its name alone; what the core brings always can."""
    if rivals := catalog.rivals(found):
        cause = f"its name is also claimed by {' and '.join(rivals)}"
        fix = choice(catalog.owners(found.kind, found.name))
        yield about(found, "P06", Level.FAIL, cause, fix)


def _import(found: Found, path: Sequence[str]) -> Iterator[Finding]:
    harmless = found.builtin or found.manifest is not None
    report = examine(found) if harmless else probe(found, path)
    if report.code:
        yield about(found, report.code, Level.FAIL, report.cause, report.fix)
    elif not harmless:
        yield from _weight(found, report.seconds, report.modules)


def _weight(found: Found, seconds: float, modules: Sequence[str]) -> Iterator[Finding]:
    """P10: a manifest is imported wherever its plugin is named, so it must be light."""
    late = "its author should import inside"
    if modules and found.kind in ("bus", "taskmaster"):
        cause = f"importing its manifest also imports {', '.join(modules)}"
        inside = "`open`" if found.kind == "bus" else "`make`"
        yield about(found, "P10", Level.WARN, cause, f"{late} {inside}")
    elif seconds > SLOW:
        cause = f"importing its manifest takes {seconds * 1000:.0f} ms"
        # For its author: on a busy machine it says nothing of the plugin.
        yield about(found, "P10", Level.INFO, cause, f"{late} functions")
