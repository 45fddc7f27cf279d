"""`task bench`: measures a bus and prints the figures."""

import json
import sys

import attrs
import click

from task_command_bench.bench import Bench, Figure
from task_core.api import CommandContext, closed_when_told

HELP = """Measure a bus: sending, receiving, settling, and latency.

It makes topics of its own, and deletes them at the end. Each task is settled as a
launcher does it: its done task is sent, then it is acknowledged.

\b
Examples:
  task bench --bus sqlite
  task bench --bus sqlite://bench.db?sync=full --count 10000 --json
"""


def make() -> click.Command:
    """Return the command."""
    return command


@click.command(help=HELP)
@click.option("-b", "--bus", default="", help="Bus: a name or a URL.")
@click.option("--prefix", help="What topics begin with on the bus.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    help="Messages for each figure.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
@closed_when_told()  # its topics must go
def command(
    context: CommandContext, bus: str, prefix: str | None, count: int, as_json: bool
) -> None:
    """Is replaced by the help text above."""
    opened = context.open_bus(bus, prefix=prefix)
    figures: list[Figure] = []
    try:
        bench = Bench(opened, count)
        try:
            for figure in bench.figures():
                figures.append(figure)
                _show_progress(f"{len(figures)} figures of 6")
        finally:
            _show_progress("")
            bench.close()
    finally:
        opened.close()
    if as_json:
        click.echo(json.dumps([attrs.asdict(figure) for figure in figures], indent=2))
    else:
        click.echo(_table(f"BUS {opened.name}", f"{count:,} messages each", figures))


def _table(title: str, heading: str, figures: list[Figure]) -> str:
    width = max(len(title), *(len(figure.what) for figure in figures))
    rows = [f"{f.what:<{width}}  {f.shown:>9} {f.unit}" for f in figures]
    return "\n".join([f"{title:<{width}}  {heading}", *rows])


def _show_progress(text: str) -> None:
    """Show how far it is to a person who waits; silent elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", nl=False, err=True)
