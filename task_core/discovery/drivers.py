"""Imports installed plugins by means of stevedore: the one module that knows it.

It is given the entry points that the catalog chose. So it looks for none itself, keeps
no cache on disk, imports no rival of the same name, and messages can name the owner.
"""

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from typing import Any

from stevedore.driver import DriverManager
from stevedore.named import NamedExtensionManager

from task_core.discovery.found import Found


def load_driver(found: Found) -> Any:
    """Return what the entry point of a plugin names; what that raises is let through.

    Args:
        found: An installed plugin.
    """
    # Not `driver`: stevedore takes an object that is false for none.
    return Driver(found).extensions[0].plugin


def load_drivers(
    found: Iterable[Found], on_failure: Callable[[Found, BaseException], None]
) -> list[tuple[Found, Any]]:
    """Return what the entry points of several plugins of one kind name.

    Args:
        found: Installed plugins.
        on_failure: Told about each that cannot be imported, and why.
    """
    drivers = Drivers(list(found), on_failure)
    return [(drivers.chosen[one.entry_point], one.plugin) for one in drivers]


# Its classes are generic in late versions only; we take older ones, too.
class Driver(DriverManager):  # type: ignore[type-arg]
    """One plugin, chosen by name."""

    def __init__(self, found: Found) -> None:
        self.chosen = EntryPoint(found.name, found.value, f"task_core.{found.kind}")
        super().__init__(self.chosen.group, self.chosen.name)

    def list_entry_points(self) -> list[EntryPoint]:
        """Return the one that the catalog chose."""
        return [self.chosen]


class Drivers(NamedExtensionManager):  # type: ignore[type-arg]
    """All plugins of one kind, of which some may be broken."""

    def __init__(
        self, found: list[Found], on_failure: Callable[[Found, BaseException], None]
    ) -> None:
        group = f"task_core.{found[0].kind}"
        self.chosen: dict[EntryPoint, Found] = {
            _Contained(one.name, one.value, group): one for one in found
        }

        def failed(_: Any, point: EntryPoint, error: BaseException) -> None:
            on_failure(self.chosen[point], error.__cause__ or error)

        super().__init__(
            group,
            [one.name for one in found],
            on_load_failure_callback=failed,
            on_missing_entrypoints_callback=lambda names: None,  # it was told why
        )

    def list_entry_points(self) -> list[EntryPoint]:
        """Return those that the catalog found."""
        return list(self.chosen)


class _Contained(EntryPoint):
    """An entry point whose failure is always that of an import.

    Stevedore lets some through that are for others to decide on: here nobody does.
    """

    def load(self) -> Any:
        """Import it."""
        try:
            return super().load()
        except (Exception, SystemExit) as error:
            raise ImportError from error
