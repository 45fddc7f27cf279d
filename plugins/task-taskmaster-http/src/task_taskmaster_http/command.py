"""`task http token`: a token for somebody, and what to write into the rules file."""

import json

import click

from task_taskmaster_http.tokens import hash_of, new_token

HELP = """Look after the taskmaster `http`.

It runs as: task launch --taskmaster http --taskmaster-rules RULES --bus URL
"""


def make() -> click.Command:
    """Return the command."""
    return command


@click.group(help=HELP)
def command() -> None:
    """Hold the commands together."""


@command.command("token")
@click.argument("name")
@click.option("--type", "types", multiple=True, help="A type that it may send.")
@click.option("--topic", "topics", multiple=True, help="A topic that it may send to.")
def token(name: str, types: tuple[str, ...], topics: tuple[str, ...]) -> None:
    """Make a token, and print it with its lines for the rules file.

    The token is shown this once: the file holds its hash alone.
    """
    made = new_token()
    click.echo(f"# give this to {name}, and keep it nowhere:\n# {made}")
    click.echo(f"[[token]]\nname = {_toml(name)}\nhash = {_toml(hash_of(made))}")
    for key, values in (("types", types), ("topics", topics)):
        if values:
            click.echo(f"{key} = [{', '.join(map(_toml, values))}]")


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
