"""What to do about a plugin that cannot be used, by its metadata and its modules."""

import inspect
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import Distribution
from typing import Any
from urllib.parse import unquote, urlsplit

from task_core.discovery.found import Found, normalise
from task_core.errors import nearest


def lacking(found: Found, path: str) -> tuple[str, str]:
    """Return cause and remedy of an entry point whose module has no such object.

    Args:
        found: The plugin.
        path: What its entry point names in the module, which was imported.
    """
    module = sys.modules[found.module]
    manifests = [name for name, one in vars(module).items() if _is_manifest(one)]
    there = f" (manifests there: {', '.join(manifests)})" if manifests else ""
    names = [*vars(module)] if found.kind == "hooks" else manifests
    cause = f"there is no '{path}' in {found.module}{nearest(path, names)}{there}"
    if os.path.isdir(source_of(found)):
        return cause, again(found)
    fix = "its author must mend the entry point"
    right = f': {found.name} = "{found.module}:{manifests[0]}"' if manifests else ""
    return cause, f"{fix}{right if len(manifests) == 1 else ''}"


def _is_manifest(thing: Any) -> bool:
    return not isinstance(thing, type) and {"api", "summary"} <= {*dir(thing)}


def with_colon(name: str) -> str:
    """Return what a dotted name should have been: `module:object`, or nothing.

    Of a module that is no package, what follows the dot can be no module.

    Example:
        >>> with_colon("os.getcwd"), with_colon("nowhere.getcwd")
        ('os:getcwd', '')
    """
    place, _, last = name.rpartition(".")
    module = sys.modules.get(place)
    plain = module is not None and not hasattr(module, "__path__")
    return f"{place}:{last}" if plain or last in dir(module) else ""


def wrong_argument(plugin: Any, specifications: type) -> str:
    """Say which argument of a hook does not exist, and which do; or nothing.

    Args:
        plugin: The object that implements hooks.
        specifications: The class of all hooks.
    """
    for name, specified in vars(specifications).items():
        function: Any = getattr(plugin, name, None)
        if name[0] == "_" or not hasattr(function, "task_core_impl"):
            continue
        known = [*inspect.signature(specified).parameters][1:]
        for one in inspect.signature(function).parameters.values():
            if one.name not in known and one.default is one.empty:
                text = f"the hook '{name}' has no argument '{one.name}'"
                return f"{text}{nearest(one.name, known)} (it has {', '.join(known)})"
    return ""


def again(found: Found) -> str:
    """Say what to do about an entry point that names nothing.

    What comes from a folder of this machine is no better after an install, and an index
    has something else of that name, or nothing.
    """
    source = source_of(found)
    if not os.path.isdir(source):
        return f"pip install --force-reinstall {found.distribution}"
    return (
        f"mend the entry point of {found.distribution}, and install it again: pip"
        f" install {'-e ' * bool(source_of(found, editable=True))}{source}"
    )


def source_of(found: Found, *, editable: bool = False) -> str:
    """Return the folder that a distribution was installed from, if it was one.

    Args:
        found: A plugin of the distribution.
        editable: Only if it is used from there.
    """
    if not found.location:
        return ""
    try:
        text = Distribution.at(found.location).read_text("direct_url.json")
        url = json.loads(text or "{}")
        how = url.get("dir_info")
        if how is None or (editable and not how.get("editable")):
            return ""
        return unquote(urlsplit(url["url"]).path)
    except (ValueError, KeyError, AttributeError):
        return ""


def install_for(found: Found, module: str) -> str:
    """Return how to get a module: the requirement that brings it, if one is known."""
    for requirement in requirements_of(found):
        if normalise(requirement_name(requirement)) == normalise(module):
            return f"pip install '{requirement.partition(';')[0].replace(' ', '')}'"
    if not found.distribution or os.path.isdir(source_of(found)):
        return f"install what brings '{module}'"
    return (
        f"pip install --force-reinstall {found.distribution},"
        f" or install what brings '{module}'"
    )


def requirements_of(found: Found) -> Sequence[str]:
    """Return what the distribution of a plugin says that it requires."""
    with suppress(Exception):  # metadata of anybody can be something that nobody reads
        return Distribution.at(found.location).requires or () if found.location else ()
    return ()


def requirement_name(requirement: str) -> str:
    """Return the distribution that a requirement names.

    Example:
        >>> requirement_name("task-framework>=0.1,<1")
        'task-framework'
    """
    match = re.match(r"[\w.-]+", requirement)
    return match[0] if match else ""
