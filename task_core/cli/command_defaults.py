"""What environment and TOML say about the options of a command that a plugin brings."""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import click

from task_core.api.plugin import NoOptions
from task_core.config.bus import read_toml
from task_core.config.sources import Section, Source, neighbours, variable_prefix
from task_core.errors import OptionError, nearest


def set_defaults(
    ctx: click.Context, command: click.Command, name: str, names: Iterable[str]
) -> None:
    """Let click find what the environment and the TOML file say about a command.

    Args:
        ctx: The context in which it will be called.
        command, name: The command, and what `task` calls it.
        names: Those of all such commands: their variables may begin as its own.

    Raises:
        OptionError: They say something that the command has no option for.
    """
    known = {*_variables(command, (name,))}
    others = partial(neighbours, (name,), names)
    section = Section(options=NoOptions, table=(name,), others=others)
    problems = [
        f"environment {variable}: `task {name}` has no such option"
        f"{nearest(variable, known)}"
        for variable, text in os.environ.items()
        if text and variable not in known and section.owns_variable(variable)
    ]
    if problems:
        raise OptionError(problems)
    # click gives these to the command that has the name.
    toml = read_toml(os.environ.get("TASK_CONFIG"))
    ctx.auto_envvar_prefix = "TASK"
    ctx.default_map = {name: _defaults(toml, command, (name,))}


def _variables(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the variables that click reads for a command, and those within it."""
    for param in command.params:
        yield f"{variable_prefix(path)}{str(param.name).upper()}"
    for name, one in _within(command).items():
        yield from _variables(one, (*path, name))


def _defaults(
    toml: Source, command: click.Command, path: tuple[str, ...]
) -> dict[str, Any]:
    """Return what the file says about a command, and those within it."""
    options = [one for one in command.params if isinstance(one, click.Option)]
    names = [option.name for option in options if option.name]
    within = _within(command)
    return {
        **toml.defaults(path, names, within),
        **{name: _defaults(toml, one, (*path, name)) for name, one in within.items()},
    }


def _within(command: click.Command) -> Mapping[str, click.Command]:
    return command.commands if isinstance(command, click.Group) else {}
