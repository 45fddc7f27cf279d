"""What a command of a plugin may use: `ctx.obj`."""

import os
from collections.abc import Mapping, Sequence

from task_core.api.bus import Bus, Role
from task_core.cli.buses import open_selected
from task_core.cli.command import read_toml
from task_core.cli.command_options import ANY
from task_core.cli.stdout import diverted_stdout
from task_core.config.selection import Selector
from task_core.config.sources import Section
from task_core.discovery.catalog import Catalog
from task_core.errors import OptionError

STDOUT = 1


class CommandLine:
    """The `CommandContext` of the command line.

    Args:
        catalog: What is installed.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def open_bus(
        self, url: str = "", *, role: Role = Role.BOTH, lease: float = 30.0
    ) -> Bus:
        """Open a bus as `task launch --bus URL` does."""

        def flags(section: Section) -> Mapping[str, Sequence[str]]:
            return {"bus": (url,)} if url and section is ANY else {}

        toml = read_toml(os.environ.get("TASK_CONFIG"))
        selector = Selector(ANY, self._catalog, toml)
        with diverted_stdout():  # what a plugin prints when imported is no data
            selected = selector.select(flags)
        settings = selector.resolve(flags, selected)
        if settings.problems:
            raise OptionError(settings.problems)
        return open_selected(settings.buses["bus"], role, STDOUT, lease)
