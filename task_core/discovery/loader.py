"""Found -> loaded, or a precise error. The one place that imports plugins."""

from importlib import import_module
from pathlib import Path
from typing import Any

from task_core.api.plugin import (
    API_VERSIONS,
    BusPlugin,
    TaskmasterPlugin,
    WorkerPlugin,
)
from task_core.discovery.catalog import Found
from task_core.errors import (
    PluginContractError,
    PluginImportError,
    PluginVersionError,
)

MANIFESTS: dict[str, type] = {
    "bus": BusPlugin,
    "worker": WorkerPlugin,
    "taskmaster": TaskmasterPlugin,
}
"""What the entry points of each kind must name; hooks may be any object."""


def load(found: Found) -> Any:
    """Import a plugin and check its manifest.

    Returns:
        The manifest; for hooks, the object that the entry point names.

    Raises:
        PluginImportError: It, or something that it needs, cannot be imported.
        PluginContractError: The entry point names something else than a manifest.
        PluginVersionError: The manifest is for another core.
    """
    manifest = found.manifest or _import(found)
    if found.kind != "hooks":
        _check(found, manifest)
    return manifest


def _import(found: Found) -> Any:
    module_name, _, path = found.value.partition(":")
    try:
        target: Any = import_module(module_name)
    except (Exception, SystemExit) as error:
        text = f"{describe(found)} cannot be imported: {why(found, error)}"
        raise PluginImportError(text) from error
    for name in filter(None, path.split(".")):
        if not hasattr(target, name):
            raise PluginContractError(
                f"{describe(found)}: there is no '{path}' in {module_name}"
            )
        target = getattr(target, name)
    return target


def _check(found: Found, manifest: Any) -> None:
    wanted = MANIFESTS[found.kind]
    fits = isinstance(manifest, wanted)
    if not fits:
        raise PluginContractError(
            f"{describe(found)} names a {type(manifest).__name__}, not a"
            f" {wanted.__name__}: its author must fix the entry point"
        )
    api: int = manifest.api
    oldest, newest = API_VERSIONS[found.kind]
    speaks = f"{describe(found)} is written for {found.kind} API {api}"
    if api < oldest:
        raise PluginVersionError(
            f"{speaks}, this core speaks {oldest} to {newest}:"
            f" pip install --upgrade {found.distribution}"
        )
    if api > newest:
        raise PluginVersionError(
            f"{speaks}, this core speaks {oldest} to {newest}:"
            " pip install --upgrade task-framework"
        )
    if manifest.name != found.name:
        raise PluginContractError(
            f"{describe(found)} calls itself '{manifest.name}': entry point and"
            " manifest must have one name; its author must fix it"
        )


def describe(found: Found) -> str:
    """Name a plugin, who brings it, and where it is."""
    return f"{found.kind} '{found.name}' of {found.owner} ({found.value})"


def why(found: Found, error: BaseException) -> str:
    """Say why an import failed, and what to do."""
    own = found.value.partition(":")[0].partition(".")[0]
    if isinstance(error, SystemExit):
        return f"it exits ({error.code!r}) when it is imported; its author must fix it"
    if isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        if missing == own:
            return (
                f"its module '{error.name}' is not there, the install is stale:"
                f" pip install --force-reinstall {found.distribution}"
            )
        return (
            f"module '{missing}' is missing:"
            f" pip install --force-reinstall {found.distribution}, or pip install"
            f" what brings '{missing}'"
        )
    return f"{one_line(error)}{_place(error, own)}"


def one_line(error: BaseException) -> str:
    """Say an exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException, own: str) -> str:
    """Return the last line of the plugin that the traceback goes through."""
    place, trace = "", error.__traceback__
    while trace:
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] == own:
            path = Path(trace.tb_frame.f_code.co_filename)
            place = f" ({path.name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place
