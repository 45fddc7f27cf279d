"""The manifest of a command, and what a command gets: see `task --help`."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
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


@attrs.frozen(kw_only=True, eq=False)
class Launch:
    """What a table of the TOML file tells a `task launch` of its own.

    Args:
        name: That of the table.
        words: What to write behind `task`, checked.
        environment: Variables to add: what others must not see in a list of processes.
        buses: The names of the buses that it uses.
        kill_time: Seconds that it takes to stop, at most.
        own: The options that the command itself has in the table.
        fail: Whether its exit code 1 says that tasks have failed.
        status: The address of its status page; empty: it has none.
    """

    name: str
    words: Sequence[str]
    environment: Mapping[str, str] = attrs.field(repr=False)
    buses: Sequence[str]
    kill_time: float
    own: Any
    fail: bool = False
    status: str = ""


class Restart(StrEnum):
    """When a process that ended is started again."""

    FAILURE = "failure"
    ALWAYS = "always"
    NEVER = "never"


@attrs.frozen(kw_only=True, eq=False)
class Supervised:
    """A process that a command wants to have kept running.

    Args:
        launch: What it runs.
        name: What it is called.
        restart: When it is started again. What can never work is not.
    """

    launch: Launch
    name: str
    restart: Restart = Restart.FAILURE


class CommandContext(Protocol):
    """What a command sees of the command line: `ctx.obj`, with `click.pass_obj`."""

    def open_bus(
        self,
        url: str = "",
        *,
        role: Role = Role.BOTH,
        lease: float = 30.0,
        prefix: str | None = None,
    ) -> Bus:
        """Open a bus as `task launch --bus URL` does.

        The URL is stronger than the environment, that than the TOML file.

        Args:
            url: A name or URL; what environment and TOML select when empty.
            role: What it will be used for.
            lease: Seconds until an unsettled delivery is handed out again.
            prefix: What topics begin with; what environment and TOML say when None.

        Raises:
            PluginError: There is no such bus, or it cannot be used.
            OptionError: One of its options is wrong.
            BusError: It cannot be opened.
        """

    def launches(self, table: str, own: type, config: str = "") -> Sequence[Launch]:
        """Return what each table `[table.NAME]` of the TOML file tells `task launch`.

        Its keys are the flags of `task launch`, and those of the plugins that it
        selects, with underscores: `kill_time`, `worker_table`, `bus_follow`.

        Args:
            table: The outer table.
            own: The class of options that the command has in each table beside those.
            config: The TOML file; `TASK_CONFIG`, or ./task.toml when empty.

        Raises:
            OptionError: Something in it is wrong; all of that at once, with its line.
        """

    def supervise(self, programs: Sequence[Supervised]) -> int:
        """Run processes until all have ended for good, or a signal comes.

        What they say comes to stderr, behind their names. None of them outlives this
        process, however it ends.

        Args:
            programs: What to run.

        Returns:
            The exit code for the command.
        """
