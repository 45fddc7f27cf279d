"""Which plugins are installed, from package metadata alone: nothing is imported."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import attrs

from task_core.discovery.metadata import Distribution, scan_path
from task_core.errors import PluginConflictError, UnknownPluginError

KINDS = ("bus", "worker", "taskmaster", "hooks")
CORE = "task-framework"
"""The distribution whose plugin names are reserved."""


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """A plugin that is installed, or registered, and not imported.

    Args:
        kind: One of `KINDS`.
        name: What to call it on the command line.
        value: Where its manifest is: `module:object`.
        distribution, version: Who brings it.
        location: The folder that holds the distribution's metadata.
        manifest: The manifest itself, when it was registered in this process.
    """

    kind: str
    name: str
    value: str = ""
    distribution: str = ""
    version: str = ""
    location: str = ""
    manifest: Any = attrs.field(default=None, eq=False)

    @property
    def builtin(self) -> bool:
        """Whether it comes with the core."""
        return self.distribution == CORE

    @property
    def owner(self) -> str:
        """Who brings it, for messages."""
        return f"{self.distribution} {self.version}" if self.distribution else "here"


class Catalog:
    """The plugins that can be used. Made by the command line and passed down.

    Args:
        found: All of them; several may claim one name.
    """

    def __init__(self, found: Iterable[Found] = ()) -> None:
        self.found = sorted(found, key=_order)

    @classmethod
    def scan(
        cls, path: Sequence[str] | None = None, env: Mapping[str, str] = os.environ
    ) -> "Catalog":
        """Look at what is installed.

        Args:
            path: Folders to look in, `sys.path` when not given.
            env: `TASK_PLUGINS` (`none`, or the distributions to see, by commas) and
                `TASK_PLUGINS_DISABLED` (the distributions not to see).
        """
        distributions = scan_path(sys.path if path is None else path)
        return cls(
            found
            for distribution in distributions
            if _admitted(distribution, env)
            for found in _plugins(distribution)
        )

    def register(self, kind: str, manifest: Any) -> None:
        """Add a plugin of this process, for example in a frozen program.

        Args:
            kind: One of `KINDS`.
            manifest: What an entry point would name.
        """
        found = Found(kind=kind, name=manifest.name, manifest=manifest)
        self.found = sorted([*self.found, found], key=_order)

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
        if not owners:
            # Only now, since the text needs modules that nobody else does.
            advice = import_module("task_core.discovery.advice")
            raise UnknownPluginError(advice.unknown(kind, name, self.names(kind)))
        raise PluginConflictError(conflict(owners))


def conflict(owners: Sequence[Found]) -> str:
    """Say that several distributions claim one name, and what to do."""
    kind, name = owners[0].kind, owners[0].name
    claims = " and ".join(found.owner for found in owners)
    strangers = [f.distribution for f in owners if not f.builtin]
    text = f"{kind} '{name}' is claimed by {claims}: pip uninstall {strangers[-1]}"
    if len(strangers) > 1:
        text = f"{kind} '{name}' is claimed by {claims}: uninstall all but one of them"
    return f"{text}, or give a worker as module:object" if kind == "worker" else text


def _order(found: Found) -> tuple[str, str, str]:
    return found.kind, found.name, found.distribution


def _admitted(distribution: Distribution, env: Mapping[str, str]) -> bool:
    if distribution.name == CORE:
        return True
    wanted = env.get("TASK_PLUGINS", "")
    if wanted and distribution.name not in _names(wanted):
        return False
    return distribution.name not in _names(env.get("TASK_PLUGINS_DISABLED", ""))


def _names(text: str) -> list[str]:
    return [name.strip().lower().replace("_", "-") for name in text.split(",")]


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
