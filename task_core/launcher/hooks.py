"""What the runtime asks of hooks, so that it need not know the plugin engine."""

from collections.abc import Callable
from typing import Any, Protocol


class Hooks(Protocol):
    """Looks up, once at the start, who listens. None: nobody, no call per task."""

    def observer(self, name: str) -> Callable[..., None] | None:
        """Return what tells all observers of a hook; it never raises."""

    def decider(self, name: str) -> Callable[..., Any] | None:
        """Return what asks the deciders of a hook for the first answer."""


class NoHooks:
    """The usual case: no hook plugin is installed."""

    def observer(self, name: str) -> None:
        """Return None: nobody listens."""

    def decider(self, name: str) -> None:
        """Return None: nobody decides."""
