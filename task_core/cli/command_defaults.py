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
    variables = dict(_variables(command, (name,)))
    others = partial(neighbours, (name,), names)
    section = Section(options=NoOptions, table=(name,), others=others)
    problems = [
        f"environment {variable}: `task {name}` has no such option"
        f"{nearest(variable, variables)}"
        for variable, text in os.environ.items()
        if text and variable not in variables and section.owns_variable(variable)
    ]
    if problems:
        raise OptionError(problems)
    for variable, option in variables.items():
        _read_variable(option, variable)
    # click gives these to the command that has the name.
    toml = read_toml(os.environ.get("TASK_CONFIG"))
    ctx.default_map = {name: _defaults(toml, command, (name,))}


def _variables(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[str, click.Option]]:
    """Yield the variables of a command, and of those within it."""
    for name, option in _options(command).items():
        yield f"{variable_prefix(path)}{name.upper()}", option
    for name, one in _within(command).items():
        yield from _variables(one, (*path, name))


def _read_variable(option: click.Option, variable: str) -> None:
    """Have click read it; by itself click calls it as Python calls the parameter."""
    own = option.envvar or ()
    names = [own] if isinstance(own, str) else own
    option.envvar = [variable, *(name for name in names if name != variable)]


def _defaults(
    toml: Source, command: click.Command, path: tuple[str, ...]
) -> dict[str, Any]:
    """Return what the file says about a command, and those within it."""
    options, within = _options(command), _within(command)
    said = toml.defaults(path, options, within)
    return {
        **{str(options[name].name): value for name, value in said.items()},
        **{name: _defaults(toml, one, (*path, name)) for name, one in within.items()},
    }


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command by the names that people know: their flags."""
    options = [one for one in command.params if isinstance(one, click.Option)]
    return {_flag(one).lstrip("-").replace("-", "_"): one for one in options}


def _flag(option: click.Option) -> str:
    return next((flag for flag in option.opts if flag.startswith("--")), option.opts[0])


def _within(command: click.Command) -> Mapping[str, click.Command]:
    return command.commands if isinstance(command, click.Group) else {}
