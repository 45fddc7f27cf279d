"""What a command of a plugin may use: `ctx.obj`."""

from collections.abc import Sequence

from task_core.api.bus import Bus, Role
from task_core.api.command import Launch, Supervised
from task_core.cli.buses import open_selected
from task_core.cli.stdout import diverted_stdout
from task_core.config.bus import choose_bus
from task_core.discovery.catalog import Catalog

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
