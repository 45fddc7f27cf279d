"""What a command of a plugin may use: `ctx.obj`."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from task_core.api.bus import Bus, Role
from task_core.api.command import Launch, Supervised
from task_core.cli.buses import open_selected
from task_core.cli.stdout import diverted_stdout
from task_core.config.bus import choose_bus, read_toml
from task_core.discovery.catalog import Catalog
from task_core.errors import OptionError, nearest

STDOUT = 1


class CommandLine:
    """The `CommandContext` of the command line.

    Args:
        catalog: What is installed.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def open_bus(
        self,
        url: str = "",
        *,
        role: Role = Role.BOTH,
        lease: float = 30.0,
        prefix: str | None = None,
    ) -> Bus:
        """Open a bus as `task launch --bus URL` does."""
        # What a plugin prints when it is imported is no data.
        chosen = choose_bus(
            self._catalog, url, {}, prefix=prefix, importing=diverted_stdout()
        )
        return open_selected(chosen, role, STDOUT, lease)

    def launches(self, table: str, own: type, config: str = "") -> Sequence[Launch]:
        """Return what each table of the TOML file tells a `task launch`."""
        from task_core.cli.launches import Launches  # few commands launch anything

        return Launches(self._catalog, table, own, config).read()

    def supervise(self, programs: Sequence[Supervised]) -> int:
        """Run processes until all have ended for good, or a signal comes."""
        from task_core.supervisor.supervise import supervise  # few commands have any

        return supervise(programs)


def defaults_of(command: click.Command, name: str) -> Mapping[str, Any]:
    """Return what the TOML file says about the options of a command.

    Raises:
        OptionError: It says something that the command has no option for, or the
            environment does.
    """
    prefix = f"TASK_{name.upper().replace('-', '_')}_"
    known = set(_variables(command, prefix))
    problems = [
        f"environment {variable}: `task {name}` has no such option"
        f"{nearest(variable, known)}"
        for variable, text in os.environ.items()
        if text and variable.startswith(prefix) and variable not in known
    ]
    if problems:
        raise OptionError(problems)
    options = [one for one in command.params if isinstance(one, click.Option)]
    names = [option.name for option in options if option.name]
    return read_toml(os.environ.get("TASK_CONFIG")).defaults(name, names)


def _variables(command: click.Command, prefix: str) -> Iterator[str]:
    """Yield the variables that click reads for a command, and those within it."""
    for param in command.params:
        yield f"{prefix}{str(param.name).upper()}"
    for name, one in getattr(command, "commands", {}).items():
        yield from _variables(one, f"{prefix}{name.upper().replace('-', '_')}_")
