"""`task config show`: every option in force, and where its value comes from."""

import click

from task_core.cli.command import PluginCommand
from task_core.cli.launch_options import SECTION
from task_core.cli.render import show_json, table
from task_core.config.resolve import Setting
from task_core.config.selection import Settings
from task_core.errors import OptionError

HELP = """Show every option that 'task launch' would use, and what set it.

Takes the flags of 'task launch'. Flags are stronger than the URL behind --bus, that is
stronger than the environment, the TOML file, and the defaults. Secrets are hidden.

\b
Examples:
  task config show --worker hello --bus file://tasks.json?follow=true
  TASK_LAUNCH_CONCURRENCY=4 task config show --worker hello
"""


@click.group(help="Show the options in force.")
def command() -> None:
    """Is replaced by the help text above."""


def _run(settings: Settings, as_json: bool) -> int:
    if as_json:
        show_json([_record(setting) for setting in settings.all])
    else:
        rows = [(_name(one), one.shown, one.origin) for one in settings.all]
        click.echo(table(("OPTION", "VALUE", "FROM"), rows))
    if settings.problems:
        raise OptionError(settings.problems)
    return 0


def _name(setting: Setting) -> str:
    """Return the TOML key; one table may serve two buses."""
    key = setting.section.key_of(setting.spec)
    role = setting.section.flag.removesuffix("-")
    return f"{key} ({role})" if role in {"in-bus", "out-bus"} else key


def _record(setting: Setting) -> dict[str, str]:
    return {
        "option": setting.section.key_of(setting.spec),
        "flag": setting.section.flag_of(setting.spec),
        "value": setting.shown,
        "origin": setting.origin,
    }


command.add_command(
    PluginCommand(
        name="show",
        section=SECTION,
        run=_run,
        lenient=True,
        help=HELP,
        params=[click.Option(["--json", "as_json"], is_flag=True, help="As JSON.")],
    )
)
