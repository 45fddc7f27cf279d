"""What environment and TOML say about the options of a command that a plugin brings."""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from task_core.api.plugin import NoOptions
from task_core.config.bus import read_toml
from task_core.config.sources import Section, Source, neighbours, variable_prefix
from task_core.errors import OptionError, nearest

_SAID = "task_core.said"
"""Where a context keeps what the file says, by option."""


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
    toml = read_toml(os.environ.get("TASK_CONFIG"))
    said: dict[click.Option, _Said] = {}
    ctx.meta[_SAID] = said
    # click gives these to the command that has the name.
    ctx.default_map = {name: _defaults(toml, command, (name,), said)}
    if problems := [text for one in said.values() if (text := _unfit(ctx, one))]:
        raise OptionError(problems)


def who_set(ctx: click.Context | None, option: click.Parameter) -> str:
    """Return what set an option, as errors name it; nothing if the words did.

    Args:
        ctx: That of the command.
        option: What has a wrong value.
    """
    if ctx is None or not isinstance(option, click.Option):
        return ""
    source = ctx.get_parameter_source(str(option.name))
    if source is ParameterSource.ENVIRONMENT:
        names = [option.envvar] if isinstance(option.envvar, str) else option.envvar
        return next((one for one in names or () if os.environ.get(one)), "")
    said = ctx.meta.get(_SAID, {}).get(option)
    from_file = source is ParameterSource.DEFAULT_MAP and said
    return f"{said.key} ({said.place})" if from_file else ""


class _Said(NamedTuple):
    """What a file says of an option."""

    option: click.Option
    value: Any
    key: str
    place: str


def _unfit(ctx: click.Context, said: _Said) -> str:
    """Say that a value is not of a kind that its option can read; or nothing.

    What is wrong with a text click says, when it is about to be used.
    """
    option, value = said.option, said.value
    several = option.multiple or option.nargs != 1
    try:
        fits = several or not isinstance(value, list)
        if fits and not isinstance(value, str):
            option.type_cast_value(ctx, value)
    except click.UsageError:
        pass
    except Exception:  # noqa: BLE001  types of plugins that know texts alone
        fits = False
    what = {list: "a list", bool: "a boolean"}.get(type(value), "this value")
    return "" if fits else f"{said.key} ({said.place}): {what} is not wanted here"


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
    toml: Source,
    command: click.Command,
    path: tuple[str, ...],
    said: dict[click.Option, _Said],
) -> dict[str, Any]:
    """Return what the file says about a command, and those within it; note where."""
    options, within = _options(command), _within(command)
    values = toml.defaults(path, options, within)
    for name, value in values.items():
        key, place = ".".join((*path, name)), toml.place(path, name)
        said[options[name]] = _Said(options[name], value, key, place)
    return {
        **{str(options[name].name): value for name, value in values.items()},
        **{
            name: _defaults(toml, one, (*path, name), said)
            for name, one in within.items()
        },
    }


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command by the names that people know: their flags."""
    options = [one for one in command.params if isinstance(one, click.Option)]
    return {_flag(one).lstrip("-").replace("-", "_"): one for one in options}


def _flag(option: click.Option) -> str:
    return next((flag for flag in option.opts if flag.startswith("--")), option.opts[0])


def _within(command: click.Command) -> Mapping[str, click.Command]:
    return command.commands if isinstance(command, click.Group) else {}
