"""Every setting that a `task launch` would use, those that plugins bring among them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

from msgspec.structs import replace

from task_core.api.hooks import HooksPlugin
from task_core.cli.hooks import Configured
from task_core.cli.run_launch import declared_of
from task_core.cli.stdout import diverted_stdout, tell
from task_core.config.hooks import resolve_hooks
from task_core.config.resolve import Resolver, Setting
from task_core.config.selection import Settings
from task_core.discovery.found import Found
from task_core.discovery.loader import check_fields, load
from task_core.errors import FrameworkError
from task_core.fields import Field

_UNITS = ("T", "G", "M", "K")


def in_force(settings: Settings) -> list[Setting]:
    """Return what a command was told; what its worker declares stands for defaults."""
    if settings.worker is None:
        return [*settings.all]
    declared = declared_of(settings)
    origin = f"worker {settings.worker.plugin.name}"
    return [
        _declared(one, declared, origin) if one.section.table == ("launch",) else one
        for one in settings.all
    ]


def _declared(setting: Setting, declared: Mapping[str, Any], origin: str) -> Setting:
    if setting.spec.name not in declared:
        return setting
    value = _as_option(setting.spec, declared[setting.spec.name])
    return replace(setting, value=value, origin=origin)


def _as_option(spec: Field, value: Any) -> Any:
    """Return a value of a plan as the option of that name has it."""
    if spec.kind is timedelta:
        return timedelta(seconds=value)
    if issubclass(spec.kind, Enum):
        return spec.kind(value)
    return _size(value) if spec.metavar == "SIZE" else value


def _size(count: int) -> str:
    """Write a number of bytes with the largest unit that shows it exactly.

    Example:
        >>> _size(512 * 1024 * 1024)
        '512M'
    """
    for power, unit in zip(range(len(_UNITS), 0, -1), _UNITS, strict=True):
        if count and count % 1024**power == 0:
            return f"{count // 1024**power}{unit}"
    return f"{count} bytes"


def of_hooks(settings: Settings) -> Resolver:
    """Return what the hooks of a launch are told; none of them is made.

    Raises:
        FrameworkError: Hooks that must work cannot be had.
    """
    resolver = Resolver()
    catalog = settings.catalog
    with diverted_stdout():  # what a plugin prints when imported is no data
        found = [*_manifests(settings)]
    names = [*catalog.names("hooks"), *(plugin.name for plugin in found)]
    for plugin in found:
        resolve_hooks(resolver, plugin, settings.toml, names=names)
    return resolver


def _manifests(settings: Settings) -> Iterator[HooksPlugin]:
    """Yield the manifests of hooks that have options."""
    catalog, command = settings.catalog, settings.command
    configured = Configured(settings.toml, names=catalog.names("hooks"))
    installed = catalog.hooks_at_work(configured)
    more = command.hooks if command else ()  # None: its options are wrong
    given = [catalog.choose("hooks", text)[0] for text in dict.fromkeys(more)]
    for found in installed:
        if found not in given:
            try:
                yield from _manifest(found)
            except FrameworkError as error:
                if command and command.require_hooks:
                    raise
                tell(f"task: left out: {error}")
    for found in given:
        yield from _manifest(found)


def _manifest(found: Found) -> Iterator[HooksPlugin]:
    plugin = load(found)
    if isinstance(plugin, HooksPlugin):
        check_fields(found, plugin)
        yield plugin
