"""Which plugins there are, and which one a text on the command line means."""

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from task_core.discovery.found import CORE, URL, Found, admitted, mentions, normalise
from task_core.errors import PluginConflictError, UnknownPluginError

LOCAL_KINDS = ("worker", "taskmaster", "hooks")
"""What a file may hold."""


class Catalog:
    """The plugins that can be used. Made by an entrance and passed down.

    What is installed is only looked up when a name is asked for that the core does not
    bring: that costs more than the rest of the start.

    Args:
        own: Plugins that are known without looking.
        path: Folders to look in.
        env: `TASK_PLUGINS` (`none`, or the distributions to see, by commas) and
            `TASK_PLUGINS_DISABLED` (the distributions not to see).
        reserved: Names that nobody can claim, by kind.
    """

    def __init__(
        self,
        own: Iterable[Found] = (),
        path: Sequence[str] = (),
        env: Mapping[str, str] = os.environ,
        reserved: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.path = path
        self._reserved = reserved or {}
        self._own = list(own)
        self.env = env

    @classmethod
    def scan(
        cls,
        built_in: Mapping[str, Mapping[str, str]] | None = None,
        path: Sequence[str] | None = None,
        env: Mapping[str, str] = os.environ,
        *,
        version: str = "",
        reserved: Mapping[str, Collection[str]] | None = None,
    ) -> Self:
        """Make a catalog of what comes with the core and what is installed.

        Args:
            built_in: By kind and name, where the core's own manifests are.
            path: Folders to look in, `sys.path` when not given.
            env: As above.
            version: That of the core.
            reserved: More names that are taken, by kind.
        """
        own = [
            Found(
                kind=kind,
                name=name,
                value=value,
                distribution=CORE,
                version=version,
            )
            for kind, plugins in (built_in or {}).items()
            for name, value in plugins.items()
        ]
        return cls(own, sys.path if path is None else path, env, reserved)

    @cached_property
    def _installed(self) -> list[Found]:
        """What is installed, also what the environment hides."""
        if not self.path:
            return []
        # Only now: importing what reads metadata takes longer than reading it.
        from task_core.discovery.installed import installed  # noqa: PLC0415

        return installed(self.path)

    @property
    def found(self) -> list[Found]:
        """All of them; several may claim one name."""
        seen = [f for f in self._installed if admitted(f.distribution, self.env)]
        return _in_order([*self._own, *seen])

    @property
    def disabled(self) -> list[Found]:
        """Those that the environment hides."""
        others = (f for f in self._installed if not admitted(f.distribution, self.env))
        return _in_order(others)

    @property
    def hooks(self) -> list[Found]:
        """The hook plugins."""
        return self.hooks_at_work(None)

    def hooks_at_work(self, configured: Collection[str] | None) -> list[Found]:
        """Return the hook plugins; most machines have none, and that is seen sooner.

        Args:
            configured: Those for which something is set: others of the group
                `task_core.hooks_if_set` are left out; None: none is left out.
        """
        own = [found for found in self._own if found.kind == "hooks"]
        everyone = configured is None or len(configured) > 0
        group = "[task_core.hooks" if everyone else "[task_core.hooks]"
        if not own and not mentions(self.path, group, self.env):
            return []
        return [
            found
            for found in self.found
            if found.kind == "hooks"
            and (not found.if_set or configured is None or found.name in configured)
        ]

    def register(self, kind: str, manifest: Any, name: str = "") -> None:
        """Add a plugin of this process, for example in a frozen program.

        Args:
            kind: One of `KINDS`.
            manifest: What an entry point would name.
            name: Its name; hooks have none of their own.
        """
        found = Found(kind=kind, name=name or manifest.name, manifest=manifest)
        self._own.append(found)

    def names(self, kind: str) -> "Names":
        """Return the names of one kind, sorted; looked up when they are needed."""
        return Names(self, kind)

    def owners(self, kind: str, name: str) -> list[Found]:
        """Return all that claim a name, the core first."""
        return [f for f in self.found if (f.kind, f.name) == (kind, name)]

    def rivals(self, found: Found) -> list[str]:
        """Return who else claims the name of a plugin, for messages.

        Nobody rivals what the core brings, and hooks have no names of their own.
        """
        if found.builtin or found.kind == "hooks":
            return []
        owners = self.owners(found.kind, found.name)
        taken = found.name in self._reserved.get(found.kind, ())
        rivals = [f"{CORE}, and built-in names are reserved"] if taken else []
        return rivals + [
            f"{_claimant(other, found)}"
            f"{', and built-in names are reserved' * other.builtin}"
            for other in owners
            if other is not found
        ]

    def find(self, kind: str, name: str) -> Found:
        """Return the plugin of that name. What the core brings cannot be taken.

        Raises:
            UnknownPluginError: Nobody brings it; the text says what there is.
            PluginConflictError: More than one distribution does.
        """
        if built_in := self._built_in(kind, name):
            return built_in
        owners = self.owners(kind, name)
        if len(owners) == 1:
            return owners[0]
        # Only now, since these texts need modules that nobody else does.
        from task_core.discovery import explain  # noqa: PLC0415

        if owners:
            raise PluginConflictError(explain.conflict(owners), code="P06")
        hidden = [f for f in self.disabled if (f.kind, f.name) == (kind, name)]
        text = explain.unknown(kind, name, self.names(kind), hidden, self.path)
        raise UnknownPluginError(text)

    def manifest(self, kind: str, text: str) -> tuple[Any, str]:
        """Return the manifest of what a text means, and its URL if the text is one.

        Raises:
            PluginError, WorkerError: As for `choose`, or it cannot be loaded.
        """
        # Only now: what only lists has no manifests to check.
        from task_core.discovery.loader import load  # noqa: PLC0415

        found, url = self.choose(kind, text)
        return load(found), url

    def choose(self, kind: str, text: str) -> tuple[Found, str]:
        """Return the plugin that a text means, and its URL if the text is one.

        Args:
            kind: One of `KINDS`.
            text: `NAME`, `NAME:REST`, `NAME://…`, each with `DISTRIBUTION:` before it
                if need be; of a worker, taskmaster or hooks also `file.py`,
                `file.py:object` or `module:object`.

        Raises:
            PluginError: As for `find`.
            WorkerError: There is no such file.
        """
        match = URL.fullmatch(text)
        name, rest = (match[1], match[2]) if match else (text, "")
        local = kind in LOCAL_KINDS
        if not match and local and (text.endswith(".py") or ".py:" in text):
            return _local(kind, text), ""
        if self._built_in(kind, name) or name in self.names(kind):
            return self.find(kind, name), text if match else ""
        if chosen := self._of_distribution(kind, name, rest):
            return chosen, rest if ":" in rest else ""
        if local and ":" in text:
            return _local(kind, text), ""
        return self.find(kind, name), ""

    def _of_distribution(self, kind: str, owner: str, rest: str) -> Found | None:
        name = rest.partition(":")[0]
        owners = self.owners(kind, name) if rest else []
        return next((f for f in owners if f.distribution == normalise(owner)), None)

    def _built_in(self, kind: str, name: str) -> Found | None:
        own = (f for f in self._own if (f.kind, f.name) == (kind, name))
        return next((found for found in own if found.builtin), None)


class Names(Collection[str]):
    """The names of the plugins of one kind.

    Args:
        catalog: Is asked when somebody wants to know.
        kind: One of `KINDS`.
    """

    def __init__(self, catalog: Catalog, kind: str) -> None:
        self._catalog = catalog
        self._kind = kind

    @cached_property
    def _names(self) -> list[str]:
        return sorted({f.name for f in self._catalog.found if f.kind == self._kind})

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _claimant(other: Found, found: Found) -> str:
    """Say who else claims a name; it may be the same distribution."""
    same = other.distribution == found.distribution
    return f"{other.owner} itself ({other.value})" if same else other.owner


def _local(kind: str, text: str) -> Found:
    # Only now: what is installed does not need it.
    from task_core.discovery.files import locate  # noqa: PLC0415

    return locate(kind, text)


def _in_order(found: Iterable[Found]) -> list[Found]:
    """Sort, and keep one of those that name the same object by the same name.

    A distribution that was renamed leaves such twins behind.
    """
    plugins = sorted(found, key=lambda f: (f.kind, f.name, not f.builtin, f.owner))
    kept = {(f.kind, f.name, f.value or id(f.manifest)): f for f in reversed(plugins)}
    return [*reversed(kept.values())]
