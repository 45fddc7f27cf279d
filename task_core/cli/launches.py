"""Tables of the TOML file that each tell a `task launch` of its own what to do."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from task_core.api.command import Launch
from task_core.cli.launch_options import SECTION
from task_core.cli.launch_table import Table
from task_core.cli.stdout import diverted_stdout
from task_core.config.bus import DEFAULT_FILE
from task_core.config.resolve import Resolver, Setting
from task_core.config.selection import Selected, Selector, Settings
from task_core.config.sources import Section
from task_core.config.toml_file import TomlFile
from task_core.discovery.catalog import Catalog
from task_core.errors import (
    FrameworkError,
    OptionError,
    PluginError,
    UsageError,
)


class _LackingError(OptionError):
    """All that is wrong is that plugins cannot be used: the code says so."""

    exit_code = PluginError.exit_code


class Launches:
    """Reads all of them, and gathers what is wrong.

    Args:
        catalog: What is installed.
        table: The outer table.
        own: The class of options that the command has in each.
        config: The TOML file, as the command line names it.
    """

    def __init__(self, catalog: Catalog, table: str, own: type, config: str) -> None:
        path = config or os.environ.get("TASK_CONFIG") or DEFAULT_FILE
        if path == DEFAULT_FILE and not os.path.lexists(path):
            text = f"there is no {path} here: name your file, or write one with tables"
            raise UsageError(f"{text} [{table}.NAME]")
        self._toml = TomlFile.read(path)
        self._catalog = catalog
        self._selector = Selector(SECTION, catalog, self._toml)
        self._table = table
        self._own = own
        self._problems: dict[str, None] = {}
        self._lacking: set[str] = set()

    def read(self) -> list[Launch]:
        """Return what each table says.

        Raises:
            UsageError, OptionError: Something is wrong with one of them, or there is
                none.
        """
        tables = self._toml.tables(self._table)
        if not tables:
            text = f"{self._toml.path} has no table [{self._table}.NAME] to launch"
            raise UsageError(text)
        launches = [self._read(*item) for item in tables.items()]
        if self._problems and self._lacking.issuperset(self._problems):
            raise _LackingError([*self._problems])
        if self._problems:
            raise OptionError([*self._problems])
        return [one for one in launches if one is not None]

    def _read(self, name: str, found: tuple[Mapping[str, Any], str]) -> Launch | None:
        written, where = found
        path = (self._table, name)
        values = {key.replace("-", "_"): value for key, value in written.items()}
        own = Section(options=self._own, table=path, strict=False)
        names = {spec.name for spec in own.specs}  # the command's, not the flags'
        values = {key: value for key, value in values.items() if key not in names}
        table = Table(self._toml, path, values)
        if unsayable := table.unsayable():  # nor can it be looked for on a disk
            self._tell(unsayable)
            return None
        resolver = Resolver()
        options = resolver.resolve(own, [self._toml.layer(own)])
        self._tell(resolver.problems)
        try:
            with diverted_stdout():  # what a plugin prints when imported is no data
                selected = self._selector.select(table.flags)
        except FrameworkError as error:
            text = f"{where}: {error}"
            self._tell([text])
            if isinstance(error, PluginError):
                self._lacking.add(text)
            return None
        self._tell(_wants_one(selected, where, table))
        settings = self._selector.resolve(table.flags, selected)
        sections = [SECTION, *(one.section for one in selected)]
        self._tell(table.unknown([own, *sections]))
        self._tell(table.placed(settings.problems, sections, where))
        heard = self._heard(table, sections, selected)
        self._tell(table.misheard(sections, settings.all, heard))
        if self._problems:
            return None
        return self._launch(name, table, sections, settings, options)

    def _heard(
        self, table: Table, sections: Sequence[Section], selected: list[Selected]
    ) -> Sequence[Setting]:
        """Return what a process will take from its flags and variables."""
        environment = {**os.environ, **table.variables(sections)}
        selector = Selector(SECTION, self._catalog, self._toml, environment)
        return selector.resolve(table.open_flags, selected).all

    def _launch(
        self,
        name: str,
        table: Table,
        sections: Sequence[Section],
        settings: Settings,
        own: Any,
    ) -> Launch:
        return Launch(
            name=name,
            words=("launch", "--config", self._toml.path, *table.words(sections)),
            environment=table.variables(sections),
            buses=[chosen.plugin.name for chosen in settings.buses.values()],
            kill_time=settings.command.kill_time.total_seconds(),
            own=own,
            fail=settings.command.fail,
            status=settings.command.status or "",
        )

    def _tell(self, problems: Sequence[str]) -> None:
        self._problems.update(dict.fromkeys(problems))


def _wants_one(selected: Sequence[Selected], where: str, table: Table) -> Sequence[str]:
    """Return what is wrong when there is not either a worker or a taskmaster."""
    roles = {one.role for one in selected} & {"worker", "taskmaster"}
    if len(roles) == 1:
        return ()
    text = "wants a worker or a taskmaster" + (", not both" if roles else "")
    return [f"{where}: [{'.'.join(table.path)}] {text}"]
