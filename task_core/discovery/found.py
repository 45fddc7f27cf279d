"""A plugin that was found: known from metadata, not imported."""

from typing import Any

import attrs

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
    manifest: Any = None

    @property
    def builtin(self) -> bool:
        """Whether it comes with the core."""
        return self.distribution == CORE

    @property
    def owner(self) -> str:
        """Who brings it, for messages."""
        if not self.distribution:
            return "this program"
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def label(self) -> str:
        """What it is and who brings it, for messages."""
        return f"{self.kind} '{self.name}' of {self.owner}"

    @property
    def full_label(self) -> str:
        """The same, with where it is."""
        return f"{self.label} ({self.value})" if self.value else self.label
