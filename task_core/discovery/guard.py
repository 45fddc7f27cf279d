"""What a plugin's own code raises when it is used names whose it is."""

from collections.abc import Callable
from typing import Any

import attrs

from task_core.api.bus import Bus
from task_core.api.part import check_bus
from task_core.discovery.found import Found, a_kind_of
from task_core.errors import FrameworkError

USES = {
    "bus": ("open", "opening it"),
    "worker": ("make", "making it"),
    "taskmaster": ("make", "making it"),
    "command": ("open", "opening it"),
    "hooks": ("make", "making it"),
}
"""By kind: which field of the manifest is code, and what it is to call that."""


def guarded(found: Found, manifest: Any) -> Any:
    """Return a manifest whose `open` or `make` raises a `PluginError` when it fails.

    Args:
        found: The plugin.
        manifest: Its manifest.
    """
    field, doing = USES[found.kind]
    use = Use(found, getattr(manifest, field), doing)
    return attrs.evolve(manifest, **{field: use})


def whose(plugin: Any) -> str:
    """Return what a taskmaster is called in messages, and who brings it.

    Args:
        plugin: Its manifest.
    """
    owner = getattr(plugin.make, "owner", "")
    return f"taskmaster '{plugin.name}'{owner and f' of {owner}'}"


class Use:
    """Calls what a plugin brings; a failure is told as the plugin's.

    Args:
        found: The plugin.
        call: Its `open` or `make`.
        doing: What that does, for messages.
    """

    def __init__(self, found: Found, call: Callable[..., Any], doing: str) -> None:
        self.call = call
        self._found = found
        self._doing = doing

    @property
    def owner(self) -> str:
        """The distribution of what is installed."""
        return self._found.owner if self._found.installed else ""

    def __call__(self, *args: Any) -> Any:
        """Call it.

        Raises:
            PluginError: It failed, or returned nothing that can be used.
        """
        try:
            made = self.call(*args)
        except FrameworkError:
            raise
        except (Exception, SystemExit) as error:
            # Only now, since good plugins need none of it.
            from task_core.discovery.explain import use_failed  # noqa: PLC0415

            raise use_failed(self._found, self._doing, error) from error
        is_bus = self._found.kind == "bus"
        if made is None or (is_bus and not isinstance(made, Bus)):
            from task_core.discovery.explain import broken  # noqa: PLC0415

            what = "None" if made is None else a_kind_of(made)
            wanted = ", not a Bus" if is_bus else ""
            raise broken(self._found, f"{self._doing} gives {what}{wanted}")
        if is_bus:
            check_bus(made, Bus, self._found.full_label)
        return made
