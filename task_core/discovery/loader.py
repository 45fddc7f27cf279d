"""Found -> loaded, or a precise error. The one way to a plugin's manifest."""

import sys
from types import FunctionType, NoneType
from typing import Any

from task_core.api.capabilities import Capabilities
from task_core.api.part import a_kind_of
from task_core.api.plugin import (
    API_VERSIONS,
    BusPlugin,
    Late,
    NoOptions,
    TaskmasterPlugin,
    WorkerPlugin,
)
from task_core.api.run_defaults import RunDefaults
from task_core.discovery.found import Found
from task_core.discovery.guard import guarded
from task_core.errors import (
    PluginContractError,
    PluginError,
    PluginVersionError,
)
from task_core.options import options_of

MANIFESTS: dict[str, type] = {
    "bus": BusPlugin,
    "worker": WorkerPlugin,
    "taskmaster": TaskmasterPlugin,
}
"""What the entry points of each kind must name; hooks may be any object."""

FIELDS: tuple[tuple[str, type | tuple[type, ...], str], ...] = (
    ("task_type", (str, NoneType), "a text"),
    ("strict", bool, "True or False"),
    ("defaults", RunDefaults, "RunDefaults(…)"),
    ("capabilities", Capabilities, "Capabilities(…)"),
)
"""What the fields of manifests hold, and how that is called; not all have each."""
_CODE = ("open", "make", "type_of")

_AUTHOR = "tell its author"
_DECORATED = ("worker", "taskmaster")
_ABSENT = object()


def load(found: Found) -> Any:
    """Import a plugin and check its manifest.

    Returns:
        The manifest; for hooks, whatever object the entry point names.

    Raises:
        PluginImportError: It, or something that it needs, cannot be imported.
        PluginContractError: The entry point names something else than a manifest.
        PluginVersionError: The manifest is for another core.
        WorkerError: The same, of a file or module that is not installed.
    """
    manifest = _import(found) if found.manifest is None else found.manifest
    if found.kind == "hooks":
        return manifest
    if found.given:
        from task_core.discovery.files import manifest_of  # noqa: PLC0415  few need it

        manifest = manifest_of(found, manifest)
    else:
        _check_type(found, manifest)
        check_manifest(found, manifest)
    check_fields(found, manifest)
    return guarded(found, manifest)


def check_manifest(found: Found, manifest: Any) -> None:
    """See that a manifest is for this core and has the name of its entry point.

    Raises:
        PluginContractError, PluginVersionError: It does not.
    """
    _check_api(found, manifest.api)
    _check_name(found, manifest.name)
    if found.kind == "bus" and not isinstance(manifest.capabilities, Capabilities):
        cause = f"its capabilities are {a_kind_of(manifest.capabilities)}"
        text = f"{cause}, not task_core.api.Capabilities"
        raise _error(PluginContractError, found, "P02", text, _AUTHOR)


def check_fields(found: Found, manifest: Any) -> None:
    """See that the fields of a manifest hold what they should, also its options.

    Raises:
        PluginContractError: One does not.
    """
    for field, kind, wanted in FIELDS:
        value = getattr(manifest, field, _ABSENT)
        if value is not _ABSENT and not isinstance(value, kind):
            raise _not_wanted(found, field, value, wanted)
    for field in _CODE:
        value = getattr(manifest, field, None)
        if value is not None and not callable(value):
            raise _not_wanted(found, field, value, "a function")
    try:
        options_of(getattr(manifest, "options", NoOptions))
    except PluginContractError as error:
        fix = "mend it" if found.given else _AUTHOR
        raise _error(PluginContractError, found, "P09", str(error), fix) from None


def _not_wanted(found: Found, field: str, value: Any, wanted: str) -> PluginError:
    cause = f"its {field} must be {wanted}, not {value!r}"
    fix = "mend it" if found.given else _AUTHOR
    return _error(PluginContractError, found, "P02", cause, fix)


def _import(found: Found) -> Any:
    try:
        return _driver(found) if found.installed else Late(found.value).find()
    except (Exception, SystemExit) as error:
        raise explained(found, error) from error


def explained(found: Found, error: BaseException) -> Exception:
    """Return the error to raise when the import of a plugin has failed."""
    path = found.value.partition(":")[2]
    if found.installed and isinstance(error, AttributeError) and not _is_place(found):
        text = f'its author must write {found.name} = "module:object"'
        what = f", but '{found.value}'" if found.value else ""
        cause = f"its entry point names no module and object{what}"
        return _error(PluginContractError, found, "P02", cause, text)
    if isinstance(error, AttributeError) and _lacks(found.module, path):
        if found.given:
            from task_core.discovery.files import missing  # noqa: PLC0415

            return missing(found)
        from task_core.discovery.remedies import lacking  # noqa: PLC0415

        return _error(PluginContractError, found, "P02", *lacking(found, path))
    # Only now, since good plugins need none of it.
    from task_core.discovery.explain import import_failed  # noqa: PLC0415

    return import_failed(found, error)


def _is_place(found: Found) -> bool:
    """Whether the value of an entry point has the form that one has."""
    module, colon, path = found.value.partition("[")[0].partition(":")
    return bool(module.strip()) and (not colon or bool(path.strip()))


def _driver(found: Found) -> Any:
    # Only what others have installed pays for stevedore.
    from task_core.discovery.drivers import load_driver  # noqa: PLC0415

    return load_driver(found)


def _lacks(module: str, path: str) -> bool:
    """Whether a module was imported, and has no such object."""
    target: Any = sys.modules.get(module)
    if target is None:
        return False
    try:
        for name in path.split("."):
            target = getattr(target, name)
    except AttributeError:
        return True
    return False


def _check_type(found: Found, manifest: Any) -> None:
    if found.kind == "command":
        from task_core.api.command import CommandPlugin  # noqa: PLC0415  few runs need it

        wanted: type = CommandPlugin
    else:
        wanted = MANIFESTS[found.kind]
    fits = isinstance(manifest, wanted)
    if not fits:
        cause = f"it names {a_kind_of(manifest)}, not a {wanted.__name__}"
        plain = isinstance(manifest, FunctionType) and found.kind in _DECORATED
        fix = f"its author can put @{found.kind} above it" if plain else _AUTHOR
        raise _error(PluginContractError, found, "P02", cause, fix)


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
