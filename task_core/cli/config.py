"""`task config show`: every option in force, and where its value comes from."""

from collections.abc import Collection, Iterator, Sequence

import attrs
import click

from task_core.cli.command import PluginCommand
from task_core.cli.in_force import in_force, of_hooks
from task_core.cli.launch_options import SECTION
from task_core.cli.render import show_json, table
from task_core.config.resolve import Resolver, Setting
from task_core.config.selection import Settings
from task_core.errors import FrameworkError, OptionError

HELP = """Show every option that 'task launch' would use, and what set it.

Takes the flags of 'task launch'. Flags are stronger than the URL behind --bus, that is
stronger than the environment, the TOML file, what the worker declares, and the
defaults. The options of hooks are shown, too. Secrets are hidden.

\b
Examples:
  task config show --worker hello --bus file://tasks.json?follow=true
  TASK_LAUNCH_CONCURRENCY=4 task config show --worker hello
"""


@click.group(help="Show the options in force.")
def command() -> None:
    """Is replaced by the help text above."""


@attrs.frozen(kw_only=True, eq=False)
class Row:
    """One line of what is shown.

    Args:
        setting: What it is about.
        worker: For which of several workers it holds; empty: for all.
    """

    setting: Setting
    worker: str = ""

    @property
    def cells(self) -> tuple[str, str, str]:
        """The TOML key, for whom it is, the value, and where that comes from."""
        one, key = self.setting, self.setting.section.key_of(self.setting.spec)
        role = one.section.flag.removesuffix("-")
        whose = self.worker or (role if role in {"in-bus", "out-bus"} else "")
        return f"{key} ({whose})" if whose else key, one.shown, one.origin

    @property
    def record(self) -> dict[str, str]:
        """The same for scripts."""
        section, spec = self.setting.section, self.setting.spec
        flag = "" if section.table[0] == "hooks" else section.flag_of(spec)
        record = {
            "option": section.key_of(spec),
            "flag": flag,  # hooks have none
            "value": self.setting.shown,
            "origin": self.setting.origin,
        }
        return {**record, "worker": self.worker} if self.worker else record


def _run(*many: Settings, as_json: bool) -> int:
    lacking = None
    hooks = Resolver()
    try:
        hooks = of_hooks(many[0])
    except FrameworkError as error:  # what is right is shown all the same
        lacking = error
    rows = [*_rows(many), *(Row(setting=one) for one in hooks.settings)]
    if as_json:
        show_json([row.record for row in rows])
    else:
        headers = ("OPTION", "VALUE", "FROM")
        click.echo(table(headers, [row.cells for row in rows]))
    problems = [text for one in many for text in one.problems]
    if problems := [*dict.fromkeys(problems), *hooks.problems]:
        raise OptionError(problems)
    if lacking:
        raise lacking
    return 0


def _rows(many: Sequence[Settings]) -> list[Row]:
    """Return what holds for all workers once, and the rest beside it."""
    found: dict[tuple[str, ...], dict[tuple[str, str], list[Row]]] = {}
    for settings in many:
        worker = settings.worker.plugin.name if settings.worker else ""
        for setting in in_force(settings):
            key = setting.section.flag, setting.section.key_of(setting.spec)
            value = setting.shown, setting.origin
            row = Row(setting=setting, worker=worker)
            found.setdefault(key, {}).setdefault(value, []).append(row)
    return [
        row for values in found.values() for row in _of_one(values.values(), len(many))
    ]


def _of_one(values: Collection[list[Row]], count: int) -> Iterator[Row]:
    """Yield the rows of one option; where all agree, or it says whose it is, one."""
    for rows in values:
        setting = rows[0].setting
        own = setting.section.flag or setting.spec.name == "worker"
        if len(rows) == count or own:
            yield Row(setting=setting)
        else:
            yield from rows


command.add_command(
    PluginCommand(
        name="show",
        section=SECTION,
        run=_run,
        lenient=True,
        repeats="worker",
        help=HELP,
        params=[click.Option(["--json", "as_json"], is_flag=True, help="As JSON.")],
    )
)
