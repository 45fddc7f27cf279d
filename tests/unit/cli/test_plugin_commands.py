"""Rules of `task_core.cli.plugin_commands`: what would do nothing is no command."""

import asyncio
import functools

import click
import pytest

from task_core.api import CommandPlugin
from task_core.cli.plugin_commands import open_command
from task_core.discovery.found import Found
from task_core.discovery.guard import guarded
from task_core.errors import PluginError

FOUND = Found(kind="command", name="x", distribution="d")


async def waits(*given): ...
async def both(*given):
    yield


def yields(*given):
    yield


def opened(command):
    """Open a command as that of a plugin."""
    manifest = CommandPlugin(name="x", summary="X.", open=lambda: command)
    return open_command(FOUND, guarded(FOUND, manifest))


@pytest.mark.parametrize(
    ("callback", "cause"),
    [
        (waits, "waits is an async def, which nobody awaits (write def)"),
        (both, "both has a yield, so a call does nothing"),
        (yields, "yields has a yield, so a call does nothing"),
        (click.pass_obj(click.pass_context(waits)), "waits is an async def"),
    ],
)
def test_a_command_that_would_do_nothing_is_refused(callback, cause):
    """Also below groups, which say nothing of it either."""
    command = click.command(name="c")(callback)
    group = click.Group("g", commands=[click.Group("h", commands=[command])])
    for made in (command, group):
        with pytest.raises(PluginError) as caught:
            opened(made)
        assert caught.value.cause.startswith(cause)
        assert caught.value.code == "P02"


def test_a_command_may_run_a_loop_of_its_own():
    """Then what is around its function awaits it."""

    @click.command()
    @click.pass_obj
    @functools.wraps(waits)
    def runs(*given):
        asyncio.run(waits(*given))

    assert opened(runs) is runs
    assert opened(group := click.Group("g")) is group
