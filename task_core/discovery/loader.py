"""Found -> loaded, or a precise error. The one place that imports plugins."""

from importlib import import_module
from typing import Any

from task_core.api.plugin import (
    API_VERSIONS,
    BusPlugin,
    TaskmasterPlugin,
    WorkerPlugin,
)
from task_core.discovery.found import Found
from task_core.errors import (
    PluginContractError,
    PluginError,
    PluginImportError,
    PluginVersionError,
)

MANIFESTS: dict[str, type] = {
    "bus": BusPlugin,
    "worker": WorkerPlugin,
    "taskmaster": TaskmasterPlugin,
}
"""What the entry points of each kind must name; hooks may be any object."""

_AUTHOR = "tell its author"
_MISSING = object()


def load(found: Found) -> Any:
    """Import a plugin and check its manifest.

    Returns:
        The manifest; for hooks, the object that the entry point names.

    Raises:
        PluginImportError: It, or something that it needs, cannot be imported.
        PluginContractError: The entry point names something else than a manifest.
        PluginVersionError: The manifest is for another core.
    """
    manifest = _import(found) if found.manifest is None else found.manifest
    if found.kind != "hooks":
        _check_type(found, manifest)
        _check_api(found, manifest.api)
        _check_name(found, manifest.name)
    return manifest


def _import(found: Found) -> Any:
    module, _, path = found.value.partition(":")
    try:
        target: Any = import_module(module)
        for name in filter(None, path.split(".")):
            target = getattr(target, name, _MISSING)
    except (Exception, SystemExit) as error:
        # Only now, since good plugins need none of it.
        failure = import_module("task_core.discovery.failure")
        code, cause, fix = failure.explain(found, error)
        cause = f"it cannot be imported: {cause}"
        raise _error(PluginImportError, found, code, cause, fix) from error
    if target is _MISSING:
        cause = f"there is no '{path}' in {module}"
        fix = f"pip install --force-reinstall {found.distribution}"
        raise _error(PluginContractError, found, "P02", cause, fix)
    return target


def _check_type(found: Found, manifest: Any) -> None:
    wanted = MANIFESTS[found.kind]
    fits = isinstance(manifest, wanted)
    if not fits:
        cause = f"it names {a_kind_of(manifest)}, not a {wanted.__name__}"
        raise _error(PluginContractError, found, "P02", cause, _AUTHOR)


def _check_api(found: Found, api: Any) -> None:
    oldest, newest = API_VERSIONS[found.kind]
    speaks = f"{oldest} to {newest}" if oldest < newest else f"{newest}"
    cause = f"it is written for {found.kind} API {api!r}, this core speaks {speaks}"
    if not isinstance(api, int):
        raise _error(PluginContractError, found, "P02", cause, _AUTHOR)
    if api < oldest:
        fix = f"pip install --upgrade {found.distribution}"
        raise _error(PluginVersionError, found, "P03", cause, fix)
    if api > newest:
        fix = "pip install --upgrade task-framework"
        raise _error(PluginVersionError, found, "P04", cause, fix)


def _check_name(found: Found, name: str) -> None:
    if name != found.name:
        cause = f"its manifest calls it '{name}', its entry point '{found.name}'"
        raise _error(PluginContractError, found, "P05", cause, _AUTHOR)


def _error(
    kind: type[PluginError], found: Found, code: str, cause: str, fix: str
) -> PluginError:
    text = f"{found.full_label}: {cause}: {fix}"
    return kind(text, code=code, cause=cause, fix=fix)


def a_kind_of(thing: Any) -> str:
    """Say what an object is, for example `a dict` or `the class Load`."""
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    name = type(thing).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"
