"""Opens the command of a plugin: to run it, and to say what is wrong with it."""

import inspect
from collections.abc import Iterator
from typing import Any

import click

from task_core.api.part import a_kind_of
from task_core.discovery.explain import broken
from task_core.discovery.found import Found


def open_command(found: Found, manifest: Any) -> click.Command:
    """Return the command that a plugin brings.

    Args:
        found: The plugin.
        manifest: Its manifest, guarded.

    Raises:
        PluginError: It cannot be had, is no command, or would do nothing.
    """
    command = manifest.open()
    if not isinstance(command, click.Command):
        what = f"opening it gives {a_kind_of(command)}, not a click.Command"
        raise broken(found, what)
    for callback in _callbacks(command):
        if problem := _problem(callback):
            raise broken(found, problem)
    return command


def _callbacks(command: click.Command) -> Iterator[Any]:
    """Yield what a command calls, and what those below it do."""
    yield command.callback
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from _callbacks(one)


def _problem(callback: Any) -> str:
    """Return why a call of a callback would do nothing."""
    # What click puts around it hands on what it returns; others may well await it.
    while getattr(callback, "__globals__", {}).get("__name__") == "click.decorators":
        callback = callback.__wrapped__
    name = getattr(callback, "__qualname__", "the callback")
    if inspect.iscoroutinefunction(callback):
        return f"{name} is an async def, which nobody awaits (write def)"
    if inspect.isgeneratorfunction(callback) or inspect.isasyncgenfunction(callback):
        return f"{name} has a yield, so a call does nothing (write click.echo)"
    return ""
