"""Which plugins are installed, from package metadata alone: nothing is imported."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Self

from task_core.discovery.found import CORE, KINDS, Found
from task_core.discovery.metadata import Distribution, normalise, scan_path
from task_core.errors import PluginConflictError, UnknownPluginError


class Catalog:
    """The plugins that can be used. Made by the command line and passed down.

    Args:
        found: All of them; several may claim one name.
        disabled: Those that the environment hides.
        path: Where they were looked for.
    """

    def __init__(
        self,
        found: Iterable[Found] = (),
        disabled: Iterable[Found] = (),
        path: Sequence[str] = (),
    ) -> None:
        self.found = _in_order(found)
        self.disabled = _in_order(disabled)
        self.path = path

    @classmethod
    def scan(
        cls, path: Sequence[str] | None = None, env: Mapping[str, str] = os.environ
    ) -> Self:
        """Look at what is installed.

        Args:
            path: Folders to look in, `sys.path` when not given.
            env: `TASK_PLUGINS` (`none`, or the distributions to see, by commas) and
                `TASK_PLUGINS_DISABLED` (the distributions not to see).
        """
        path = sys.path if path is None else path
        found: list[Found] = []
        disabled: list[Found] = []
        for distribution in scan_path(path):
            admitted = _admitted(distribution.name, env)
            (found if admitted else disabled).extend(_plugins(distribution))
        return cls(found, disabled, path)

    def register(self, kind: str, manifest: Any, name: str = "") -> None:
        """Add a plugin of this process, for example in a frozen program.

        Args:
            kind: One of `KINDS`.
            manifest: What an entry point would name.
            name: Its name; hooks have none of their own.
        """
        found = Found(kind=kind, name=name or manifest.name, manifest=manifest)
        self.found = _in_order([*self.found, found])

    def names(self, kind: str) -> list[str]:
        """Return the names of one kind, sorted."""
        return sorted({found.name for found in self.found if found.kind == kind})

    def owners(self, kind: str, name: str) -> list[Found]:
        """Return all that claim a name."""
        return [f for f in self.found if (f.kind, f.name) == (kind, name)]

    def find(self, kind: str, name: str) -> Found:
        """Return the plugin of that name.

        Raises:
            UnknownPluginError: Nobody brings it; the text says what there is.
            PluginConflictError: More than one distribution does.
        """
        owners = self.owners(kind, name)
        if len(owners) == 1:
            return owners[0]
        # Only now, since these texts need modules that nobody else does.
        advice = import_module("task_core.discovery.advice")
        if owners:
            raise PluginConflictError(advice.conflict(owners), code="P06")
        hidden = [f for f in self.disabled if (f.kind, f.name) == (kind, name)]
        text = advice.unknown(kind, name, self.names(kind), hidden)
        raise UnknownPluginError(text)


def _in_order(found: Iterable[Found]) -> list[Found]:
    """Sort, and keep one of those that name the same object by the same name.

    A distribution that was renamed leaves such twins behind.
    """
    plugins = sorted(found, key=lambda f: (f.kind, f.name, not f.builtin, f.owner))
    kept = {(f.kind, f.name, f.value or id(f.manifest)): f for f in reversed(plugins)}
    return [*reversed(kept.values())]


def _admitted(distribution: str, env: Mapping[str, str]) -> bool:
    if distribution == CORE:
        return True
    wanted = env.get("TASK_PLUGINS", "")
    if wanted and distribution not in _names(wanted):
        return False
    return distribution not in _names(env.get("TASK_PLUGINS_DISABLED", ""))


def _names(text: str) -> list[str]:
    return [normalise(name.strip()) for name in text.split(",")]


def _plugins(distribution: Distribution) -> Iterable[Found]:
    for group, name, value in distribution.entry_points:
        kind = group.removeprefix("task_core.")
        if kind in KINDS:
            yield Found(
                kind=kind,
                name=name,
                value=value,
                distribution=distribution.name,
                version=distribution.version,
                location=distribution.location,
            )
