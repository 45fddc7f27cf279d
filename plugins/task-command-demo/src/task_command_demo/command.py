"""`task demo`: ten seconds in a folder that is thrown away."""

import tempfile
from importlib.metadata import entry_points
from pathlib import Path

import click

from task_command_demo.demo import Demo
from task_command_demo.processes import Processes
from task_command_demo.screen import style
from task_core.api import CommandContext, closed_when_told

HELP = """See it work: ten seconds, nothing to set up, nothing left behind.

A taskmaster makes a task each second, two worker processes do them over one SQLite
file. One task fails, is tried three times and reported. Another kills its worker each
time, and goes to the dead topic; the worker is replaced, and no other task is lost.
"""
NEXT = """Next:
  task send hello World | task launch --worker echo
  task launch --worker exec:./program --bus sqlite     any program, tasks that survive
  task plugins list"""


def make() -> click.Command:
    """Return the command."""
    return command


@click.command(help=HELP)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    help="How long to watch.",
)
@click.pass_obj
@closed_when_told()  # its processes hear nothing of what is said to us
def command(context: CommandContext, seconds: float) -> None:
    """Run it in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="task-demo-") as name:
        folder = Path(name)
        bus = context.open_bus(f"sqlite://{folder}/task.db")
        try:
            with Processes(folder) as processes:
                processes.start_workers()
                demo = Demo(bus, processes)
                has_cron = bool(entry_points(group="task_core.taskmaster", name="cron"))
                if has_cron:
                    processes.start_taskmaster()
                demo.run(seconds, has_cron=has_cron)
        finally:
            bus.close()
        click.echo(f"\n{style(demo.summary(), bold=True)}\n\n{NEXT}")
