"""Says what is wrong with the words of a command line as all other errors are said."""

import re

import click

from task_core.cli.command_defaults import who_set
from task_core.errors import nearest

_NUMBER = re.compile(r"(.*) is not a valid (integer|float)(?: range)?")
_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)")
_COMMAND = re.compile(r"No such command ['\"](.*)['\"]\.?(?: .*)?")
_KINDS = {"integer": "a whole number", "float": "a number"}


def told(error: click.UsageError) -> str:
    """Return what is wrong, in one line: click has sentences of its own."""
    text = " ".join(error.format_message().split())
    if isinstance(error, click.NoSuchOption):
        near = nearest(error.option_name, error.possibilities or ())
        return f"there is no option '{error.option_name}'{near}"
    if isinstance(error, click.BadOptionUsage):
        takes = "takes no value" if "not take a value" in text else "wants a value"
        return f"{error.option_name} {takes}"
    if isinstance(error, click.MissingParameter) and error.param:
        return f"{_name(error.param)} is missing"
    if isinstance(error, click.BadParameter) and (error.param or error.param_hint):
        name = _set_by(error) if error.param else error.param_hint
        return f"{name}: {_value(error.message.rstrip('.'))}"
    if extra := _EXTRA.fullmatch(text):
        return f"this is too much: {extra[1]}"
    return _no_command(error.ctx, text) or text


def _no_command(ctx: click.Context | None, text: str) -> str:
    """Say which commands there are, if what is wrong is that there is none."""
    word = _COMMAND.fullmatch(text)
    if not word or ctx is None or not isinstance(ctx.command, click.Group):
        return ""
    names = ctx.command.list_commands(ctx)
    near = nearest(word[1], names)
    return f"there is no command '{word[1]}'{near} (there are {', '.join(names)})"


def place(error: click.UsageError) -> str:
    """Return the command whose words are wrong, as people write it."""
    if error.ctx:
        return error.ctx.command_path
    # Of a missing value click does not say whose it is: its frames know.
    found, trace = "task", error.__traceback__
    while trace:
        context = trace.tb_frame.f_locals.get("ctx")
        if isinstance(context, click.Context):
            found = context.command_path
        trace = trace.tb_next
    return found


def _set_by(error: click.BadParameter) -> str:
    """Return what has the wrong value: a word, a variable, or a line of a file."""
    assert error.param is not None  # it was looked at
    return who_set(error.ctx, error.param) or _name(error.param)


def _name(param: click.Parameter) -> str:
    """Return how a parameter is written: of an option, the longest flag."""
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return param.human_readable_name


def _value(text: str) -> str:
    if number := _NUMBER.fullmatch(text):
        return f"not {_KINDS[number[2]]}: {number[1]}"
    return "a list is wanted" if text == "Value must be an iterable" else text
