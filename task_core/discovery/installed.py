"""What is installed, as `importlib.metadata` tells it: nothing is imported."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import Distribution, distributions

from task_core.discovery.found import CORE, GROUPS, IF_SET, Found, normalise

_LIKE_OURS = re.compile(r"\[\s*task[-_. ]?core[-_.]", re.IGNORECASE)
UNREAD = "its entry_points.txt cannot be read"


def installed(path: Sequence[str]) -> list[Found]:
    """Return the plugins that are installed; of one distribution, the first copy.

    Args:
        path: Folders as in `sys.path`.
    """
    seen: set[str] = set()
    found: list[Found] = []
    for distribution in distributions(path=list(path)):
        key = _key(distribution)
        # What another copy hides is passed over; what brings nothing is not read.
        with suppress(Exception):  # metadata that cannot be read breaks only itself
            if key not in seen and "[task_core." in _entry_points(distribution):
                found.extend(_plugins(distribution))
        seen.add(key)
    return found


def copies_of(found: Found, path: Sequence[str]) -> set[str]:
    """Return where a distribution is, its own place and that of other copies."""
    key = os.path.basename(found.location).partition("-")[0]
    return {
        os.path.realpath(location_of(distribution))
        for distribution in distributions(path=list(path))
        if _key(distribution) == normalise(key)
    }


def versions(path: Sequence[str]) -> dict[str, str]:
    """Return version by distribution of all that is there; the first copy counts."""
    known: dict[str, str] = {}
    for distribution in distributions(path=list(path)):
        if header(distribution, "Name") or why_unread(distribution):
            name, version = _told_by_headers(distribution)
            known.setdefault(name, version)
    return known


def header(distribution: Distribution, key: str) -> str:
    """Return one header of a distribution's metadata, or nothing."""
    with suppress(Exception):  # that of anybody can be something that nobody reads
        headers = distribution.metadata
        return headers[key] if key in headers else ""  # noqa: SIM401  it has no `get`
    return ""


def text_of(distribution: Distribution, file: str) -> str:
    """Return the text of a file beside a distribution's metadata, or nothing."""
    with suppress(Exception):
        return distribution.read_text(file) or ""
    return ""


def why_unread(distribution: Distribution) -> str:
    """Say why a distribution's metadata cannot be read; nothing if they can."""
    try:
        distribution.metadata  # noqa: B018  it is read when it is asked for
    except FileNotFoundError:  # so newer Pythons say that there are none
        return ""
    except Exception as error:  # noqa: BLE001  whatever their parser says
        return _why(error)
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return f"{type(error).__name__}: {error}"


def summary_of(found: Found) -> str:
    """Return what a distribution says of itself in one line, or nothing."""
    return " ".join(header(Distribution.at(found.location), "Summary").split())


def location_of(distribution: Distribution) -> str:
    """Return the folder that holds a distribution's metadata."""
    return str(getattr(distribution, "_path", ""))


def _key(distribution: Distribution) -> str:
    """Return what tells distributions apart, without reading their metadata."""
    stem = os.path.basename(location_of(distribution)).partition("-")[0]
    return normalise(stem or header(distribution, "Name"))


def _told_by_folder(location: str) -> tuple[str, str] | None:
    """Return name and version as `name-version.dist-info` says them, if it does.

    Its headers say the same, and to read them takes a millisecond.
    """
    stem, end = os.path.splitext(os.path.basename(location))
    name, _, version = stem.partition("-")
    told = end == ".dist-info" and name and version
    return (normalise(name), version) if told else None


def _told_by_headers(distribution: Distribution) -> tuple[str, str]:
    folder = os.path.splitext(os.path.basename(location_of(distribution)))[0]
    folder_name, _, folder_version = folder.partition("-")
    name = header(distribution, "Name") or folder_name
    version = header(distribution, "Version") or folder_version.partition("-")[0]
    return normalise(name), version


def _entry_points(distribution: Distribution) -> str:
    return distribution.read_text("entry_points.txt") or ""


def misplaced(path: Sequence[str]) -> list[Found]:
    """Return what stands in groups that nothing reads, but that look like ours.

    Args:
        path: Folders as in `sys.path`.

    Returns:
        What was found; `kind` is the group as it is written.
    """
    found: list[Found] = []
    for distribution in distributions(path=list(path)):
        with suppress(Exception):  # as above
            if _LIKE_OURS.search(_entry_points(distribution)):
                found.extend(_strangers(distribution))
    return found


def unreadable(path: Sequence[str]) -> list[tuple[Found, str]]:
    """Return whose entry points cannot be read, though some are ours.

    Args:
        path: Folders as in `sys.path`.

    Returns:
        The distribution, as a plugin without kind and name, and what is wrong.
    """
    found: list[tuple[Found, str]] = []
    for distribution in distributions(path=list(path)):
        if fault := _fault_of_entry_points(distribution):
            location = location_of(distribution)
            name, version = _told_by_folder(location) or _told_by_headers(distribution)
            one = Found(
                kind="", name="", distribution=name, version=version, location=location
            )
            found.append((one, fault))
    return found


def _fault_of_entry_points(distribution: Distribution) -> str:
    """Say why the entry points of plugins cannot be read; nothing if they can."""
    text = ""
    try:
        text = _entry_points(distribution)
        if "[task_core." in text:
            list(distribution.entry_points)
    except UnicodeDecodeError as error:
        return _why(error) if b"[task_core." in error.object else ""
    except Exception as error:  # noqa: BLE001  whatever their parser says
        return text and (_wrong_line(text) or _why(error))
    return ""


def _wrong_line(text: str) -> str:
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if line and line[0] not in "#[" and "=" not in line:
            return f"line {number}, '{line}', is not NAME = MODULE:OBJECT"
    return ""


def _strangers(distribution: Distribution) -> Iterator[Found]:
    location = location_of(distribution)
    name, version = _told_by_folder(location) or _told_by_headers(distribution)
    for point in distribution.entry_points:
        if point.group not in GROUPS and _LIKE_OURS.match(f"[{point.group}"):
            yield Found(
                kind=point.group,
                name=point.name,
                value=point.value,
                distribution=name,
                version=version,
                location=location,
            )


def _plugins(distribution: Distribution) -> Iterator[Found]:
    location = location_of(distribution)
    name, version = _told_by_folder(location) or _told_by_headers(distribution)
    for point in distribution.entry_points:
        if point.group in GROUPS and name != CORE:
            yield Found(
                kind=GROUPS[point.group],
                name=point.name,
                # Extras (`module:object [extra]`) are obsolete: they change nothing.
                value="".join(point.value.partition("[")[0].split()),
                distribution=name,
                version=version,
                location=location,
                if_set=point.group == IF_SET,
            )
