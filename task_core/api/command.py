"""The manifest of a command, and what a command gets: see `task --help`."""

from collections.abc import Callable
from typing import Any, Protocol

import attrs

from task_core.api.bus import Bus, Role
from task_core.api.plugin import late


@attrs.frozen(kw_only=True, eq=False)
class CommandPlugin:
    """Manifest of a command (entry-point group `task_core.command`).

    It is imported when it runs, and not for `task --help`. Built-in names stay taken.

    Args:
        name: As the entry point says it: `task NAME`.
        summary: One line for `task plugins show`.
        open: Returns the `click.Command`, whose `ctx.obj` is a `CommandContext`; or
            where that function is, as text: `task_command_x.command:make`.
        api: The API number that it was written for.
    """

    name: str
    summary: str
    open: Callable[[], Any] = attrs.field(repr=False, converter=late)
    api: int = 1


class CommandContext(Protocol):
    """What a command sees of the command line: `ctx.obj`, with `click.pass_obj`."""

    def open_bus(
        self, url: str = "", *, role: Role = Role.BOTH, lease: float = 30.0
    ) -> Bus:
        """Open a bus as `task launch --bus URL` does.

        The URL is stronger than the environment, that than the TOML file.

        Args:
            url: A name or URL; what environment and TOML select when empty.
            role: What it will be used for.
            lease: Seconds until an unsettled delivery is handed out again.

        Raises:
            PluginError: There is no such bus, or it cannot be used.
            OptionError: One of its options is wrong.
            BusError: It cannot be opened.
        """
