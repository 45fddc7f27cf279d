"""The words of `task backload`: it prints a plan, or sends exactly that with --send."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from task_taskmaster_workflow.backload_request import DONE_TOPIC, MOST

HELP = """Plan the tasks of a range of dates, and send them with --send.

TASK is a phase of --path, as type or type:job, or any type with a --template. Without
--send the plan is printed and kept: `task backload --plan ID --send` sends exactly
that. A send that ends early goes on with the same words.
"""
PATH = click.Path(path_type=Path)
ORDER = click.Choice(["oldest", "newest"])
ONLY = click.Choice(["missing", "failed", "all"])
TO = "Last date, included; by hour a day is its hour 00: write 2026-01-31T23."
BY = "From a date to the next: hour, day, week or month."
LIMIT = "A plan of more is refused."


def make() -> click.Command:
    """Return the command."""
    return command


@click.command(help=HELP)
@click.argument("task", required=False, default="")
@click.option("--path", type=PATH, help="File of phases, or a folder of such files.")
@click.option("--template", default="", help="Info of tasks that are of no phase.")
@click.option("--from", "start", default="", metavar="DATE", help="First date.")
@click.option("--to", "end", default="", metavar="DATE", help=TO)
@click.option("--at", default="", metavar="DATE", help="One date instead.")
@click.option("--by", default="", metavar="UNIT", help=BY)
@click.option("--meta", multiple=True, metavar="KEY=A,B", help="Values of a key.")
@click.option("--meta-file", default="", help="JSON lines, CSV or Parquet with such.")
@click.option("--product", is_flag=True, help="Each value of --meta with each.")
@click.option("--order", type=ORDER, default="oldest", help="Which dates come first.")
@click.option("--on-hours", default="", metavar="H,H", help="Only those hours.")
@click.option("--off-hours", default="", metavar="H,H", help="Not those hours.")
@click.option("--every", type=int, default=1, metavar="N", help="Only each N-th date.")
@click.option("--max-tasks", type=int, default=MOST, show_default=True, help=LIMIT)
@click.option("--only", type=ONLY, default="all", help="What of it to send.")
@click.option("--rate", default="", metavar="N/s", help="Most tasks a second: 10/s.")
@click.option("--max-in-flight", type=click.IntRange(1), help="Most that are not done.")
@click.option("--done-topic", default=DONE_TOPIC, help="Tells --max-in-flight so.")
@click.option("--store", default=None, help="Where plans are kept.")
@click.option("--bus", "url", default="", metavar="URL", help="As in task launch.")
@click.option("--plan", default="", metavar="ID", help="One that was made before.")
@click.option("--send", is_flag=True, help="Send it.")
@click.option("--cancel", is_flag=True, help="Stop --plan before its next send.")
@click.option("--pause", is_flag=True, help="Stop it until it is sent again.")
@click.option("--list", "list_", is_flag=True, help="Show all plans.")
@click.pass_context
def command(ctx: click.Context, /, **words: Any) -> None:
    """Do what these words ask for."""
    # What it does needs SQLAlchemy, which takes half a second to load: help does not.
    from task_taskmaster_workflow.backload_run import run

    run(ctx.obj, _given(ctx), words)


def _given(ctx: click.Context) -> dict[str, str]:
    """Return the words that are there, by their names, as people write them."""
    return {
        param.name: "TASK" if param.name == "task" else param.opts[0]
        for param in ctx.command.params
        if param.name
        and ctx.get_parameter_source(param.name) is not ParameterSource.DEFAULT
    }
