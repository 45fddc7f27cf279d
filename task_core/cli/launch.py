"""`task launch`: run a worker on a bus."""

import re
from collections.abc import Sequence
from typing import Any

import click

from task_core.cli.buses import STDIN, reads_terminal
from task_core.cli.command import PluginCommand
from task_core.cli.launch_options import GROUPS, SECTION, WORDS
from task_core.cli.logs import (
    LogFormat,
    LogLevel,
    errors_as_lines,
    format_of,
    set_up_logging,
)
from task_core.cli.stdout import tell
from task_core.config.selection import Settings
from task_core.errors import OptionError

HELP = """Run a worker on a bus: receive tasks, do them, send them on as done.

The worker is an installed plugin, a function in a file (./my_worker.py:hello), or any
program (exec:./program). The bus is a pipe unless you say otherwise: tasks come as JSON
lines on stdin, done tasks go to stdout, everything else to stderr.

Several workers run in one process, each with its own topic, slots and connection.

Select a worker or bus together with --help to see its options.

\b
Examples:
  task send hello World | task launch --worker hello
  task launch --worker ./my_worker.py:hello --bus file --topic tasks.json
  task launch --worker hello --bus file://tasks.json?follow=true -c 4
  task launch --worker exec:./program --bus file --help
  task launch --worker load --worker ./my_worker.py:hello --bus sqlite -c 4
"""


_WHO = (
    "launch what? Give --worker (or TASK_LAUNCH_WORKER), or --taskmaster, and not both;"
    " 'task plugins list' shows what is installed"
)


_EXTRA = re.compile(r"unexpected extra arguments? \((\S+?)[ )]")
_BUSES = frozenset({"bus", "in_bus", "out_bus", "prefix"})
_OF_BOTH = _BUSES | {
    *("worker", "taskmaster", "kill_time", "lease", "max_attempts", "status", "reload"),
    *("log_level", "log_format", "log_time", "log_interval", "hooks", "require_hooks"),
}
"""The options that a taskmaster heeds as well."""


def _run(settings: Settings, *others: Settings) -> int:
    told = settings.command
    set_up_logging(told.log_level.value, told.log_format, told.log_time)
    with errors_as_lines(told.log_format):
        return _launch(settings, *others)


def _launch(settings: Settings, *others: Settings) -> int:
    if bool(settings.worker) == bool(settings.taskmaster):
        raise OptionError([_WHO])
    if settings.taskmaster:
        _refuse_flags_of_workers(settings)
    if others:
        _refuse_to_share([settings, *others])
    told = settings.command
    if (told.instances != "1" and settings.worker) or told.reload:
        from task_core.cli.instances import run_instances  # few launches have any

        return run_instances(settings, *others)
    if settings.worker and reads_terminal(settings):  # a taskmaster may read nothing
        text = "task: reading tasks from this terminal, one JSON line each, to Ctrl-D"
        tell(f"{text} (give --bus to read a bus)")
    if settings.taskmaster:
        from task_core.cli.run_taskmaster import run_taskmaster  # few launches are one

        return run_taskmaster(settings)
    from task_core.cli.run_launch import run  # not for help

    return run(settings, *others)


def _refuse_to_share(many: Sequence[Settings]) -> None:
    """Refuse what several workers cannot have in common."""
    settings = many[0]
    command = settings.command
    shared = [name for name in ("topic", "channel") if getattr(command, name)]
    buses = [chosen.plugin.name for chosen in settings.buses.values()]
    if shared:
        text = f"--{shared[0]}: of several workers, each reads its own; leave it out"
        raise OptionError([text])
    if not set(buses).isdisjoint(STDIN):
        text = "several workers cannot share what is piped in: give --bus a broker"
        raise OptionError([text])
    _refuse_one_topic(many)


def _refuse_one_topic(many: Sequence[Settings]) -> None:
    """Refuse two workers that would each do a part of the same tasks."""
    from task_core.cli.run_launch import plan_of  # not for help
    from task_core.launcher.parts import with_its_type

    readers: dict[tuple[str, str], str] = {}
    for one in many:
        assert one.worker is not None  # the command sees to it
        plugin = with_its_type(one.worker.plugin, one.worker.options)
        plan, name = plan_of(one).completed(plugin.type), one.command.worker
        other = readers.get((plan.topic, plan.channel))
        if other is not None:
            text = f"worker '{other}' and worker '{name}' both read topic {plan.topic}"
            raise OptionError([f"{text}: leave one out; for more slots give -c"])
        readers[plan.topic, plan.channel] = name


def _refuse_flags_of_workers(settings: Settings) -> None:
    """Refuse flags without effect; a TOML file may serve workers as well."""
    flags = [
        setting.origin
        for setting in settings.all
        if setting.section is SECTION
        and setting.origin.startswith("-")
        and setting.spec.name not in _OF_BOTH
    ]
    if flags:
        text = f"{', '.join(flags)}: for workers, without effect with --taskmaster"
        raise OptionError([text])


class LaunchCommand(PluginCommand):
    """Says how a worker is named to those who just write its name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Suggest the flag for a word that stands alone."""
        ctx.meta[WORDS] = [*args]
        form = format_of(args)
        if form is LogFormat.JSON:  # importing a worker may warn
            set_up_logging(LogLevel.WARNING.value, form)
        with errors_as_lines(form):
            return self._parse(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Tell what is wrong with options as the words ask for it, too."""
        with errors_as_lines(format_of(ctx.meta[WORDS])):
            return super().invoke(ctx)

    def _parse(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            rest = super().parse_args(ctx, args)
        except click.UsageError as error:
            word = _EXTRA.search(error.message)
            if word is None or ctx.params.get("worker") or ctx.params.get("taskmaster"):
                raise
            text = f"launch what? Did you mean --worker {word[1]}?"
            raise click.UsageError(text, ctx) from error
        both = ctx.params.get("worker") and ctx.params.get("taskmaster")
        if both and not ctx.resilient_parsing:  # before what options of one lack
            raise OptionError([_WHO])
        return rest


command = LaunchCommand(
    name="launch", section=SECTION, run=_run, help=HELP, groups=GROUPS, repeats="worker"
)
