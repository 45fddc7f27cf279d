"""The table of commands: each is imported only when it runs, plugins' too."""

import errno
import gc
import os
import sys
from importlib import import_module
from typing import Any, NamedTuple

import click

from task_core import __version__
from task_core.builtin import PLUGINS
from task_core.cli.stdout import diverted_stdout, stdout_is_gone
from task_core.discovery.catalog import Catalog
from task_core.errors import FrameworkError, nearest

_OWNER = "task_core.owner"
"""Where a context keeps the plugin whose command runs."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""There is no room for what is written: nobody's fault."""
_NO_FAULT = (
    FrameworkError,
    click.ClickException,
    click.exceptions.Exit,
    click.Abort,
)


class BrokenElsewhereError(Exception):
    """Carries a broken pipe past click, which takes each for that of stdout.

    Args:
        error: What was raised.
    """

    def __init__(self, error: BrokenPipeError) -> None:
        super().__init__(str(error))
        self.error = error


class Entry(NamedTuple):
    """Where a command is, and what `task --help` says about it."""

    place: str
    help: str


COMMANDS = {
    "launch": Entry("task_core.cli.launch:command", "Run a worker on a bus."),
    "send": Entry("task_core.cli.send:command", "Send tasks to a bus."),
    "tail": Entry("task_core.cli.tail:command", "Show the tasks of a topic."),
    "topics": Entry("task_core.cli.topics:command", "List the topics of a bus."),
    "dead": Entry(
        "task_core.cli.dead:command", "Look at dead letters, send them back."
    ),
    "plugins": Entry("task_core.cli.plugins:command", "Show what is installed."),
    "config": Entry("task_core.cli.config:command", "Show the options in force."),
    "completion": Entry(
        "task_core.cli.completion:command", "Print the completion for a shell."
    ),
}


class CommandTable(click.Group):
    """A group that knows its commands by name and imports the one that is asked for."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the words; who reads the help may have enough before its end."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError:  # nothing but help is written so early
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise click.exceptions.Exit(0) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the table, then those of plugins."""
        return [*COMMANDS, *others(_catalog(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name].place.partition(":")
            command: click.Command = getattr(_imported(module), name)
            return command
        if cmd_name not in others(_catalog(ctx)):
            return None
        return _command_of_a_plugin(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for one that is not there."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            names = self.list_commands(ctx)
            if args[0] not in names:
                hint = _meant(_catalog(ctx), args[0]) or nearest(args[0], names)
                text = f"there is no command '{args[0]}'{hint}"
                ctx.fail(f"{text} (there are {', '.join(names)}){_source(args[0])}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands without importing them."""
        rows = [(name, entry.help) for name, entry in COMMANDS.items()]
        rows += _summaries(_catalog(ctx))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what comes out of that of a plugin names whose it is."""
        try:
            return super().invoke(ctx)
        except _NO_FAULT:
            raise
        except Exception as error:
            if isinstance(error, BrokenPipeError) and stdout_is_gone():
                # It has what it wanted, as `| head -1`; click would exit with 1.
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                return 0
            found = ctx.meta.get(_OWNER)
            if found is None and isinstance(error, BrokenPipeError):
                raise BrokenElsewhereError(error) from None
            if found is None or getattr(error, "errno", None) in FULL:
                raise
            from task_core.discovery.explain import use_failed

            raise use_failed(found, "running it", error) from error


def _imported(module: str) -> Any:
    """Import a module of ours; nothing that a start makes is garbage yet."""
    if module in sys.modules or not gc.isenabled():
        return import_module(module)
    gc.disable()  # to look for garbage takes a tenth of a start
    try:
        return import_module(module)
    finally:
        gc.freeze()  # nor does it become any, until the end and at the end
        gc.enable()


def others(catalog: Catalog) -> dict[str, str]:
    """Return who brings commands that the core does not, by name."""
    owners: dict[str, list[str]] = {}
    for found in catalog.found:
        if found.kind == "command" and found.name not in COMMANDS:
            owners.setdefault(found.name, []).append(found.distribution)
    return {name: " and ".join(names) for name, names in sorted(owners.items())}


def _summaries(catalog: Catalog) -> list[tuple[str, str]]:
    """Say of the commands of plugins what the distributions say that bring them."""
    from task_core.discovery.installed import summary_of  # only help needs it

    found = {one.name: one for one in catalog.found if one.kind == "command"}
    rows = []
    for name, who in others(catalog).items():
        one = found[name]
        summary = summary_of(one) if who == one.distribution else ""
        rows.append((name, f"{summary} ({who})" if summary else f"from {who}"))
    return rows


def installed() -> Catalog:
    """Return what comes with the core and what is installed."""
    reserved = {"command": COMMANDS}
    return Catalog.scan(PLUGINS, version=__version__, reserved=reserved)


def _catalog(ctx: click.Context) -> Catalog:
    catalog: Catalog = ctx.meta.setdefault("task_core.catalog", installed())
    return catalog


def _command_of_a_plugin(ctx: click.Context, name: str) -> click.Command:
    """Import the command of a plugin, and give it what it may use.

    Raises:
        PluginError: It cannot be had, is no command, or would do nothing.
    """
    from task_core.cli.command_context import CommandLine
    from task_core.cli.command_defaults import set_defaults
    from task_core.cli.plugin_commands import open_command
    from task_core.discovery.loader import load

    catalog = _catalog(ctx)
    found = catalog.find("command", name)
    with diverted_stdout():  # what a plugin prints when imported is no data
        command = open_command(found, load(found))
    ctx.meta[_OWNER] = found
    ctx.obj = CommandLine(catalog)
    set_defaults(ctx, command, name, others(catalog))
    return command


def _meant(catalog: Catalog, word: str) -> str:
    """Say how what is no command, and not nearly one, is written."""
    if word in ("help", "version"):
        return f": did you mean 'task --{word}'?"
    if word in catalog.names("worker"):
        return f": did you mean 'task launch --worker {word}'?"
    return ""


def _source(name: str) -> str:
    """Say how to get a command that the project ships."""
    from task_core.discovery.explain import shipped

    hint = shipped("command", name)
    return f"; {hint}" if hint else ""
