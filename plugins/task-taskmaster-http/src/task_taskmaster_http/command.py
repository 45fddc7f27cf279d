"""`task http`: a token for somebody, and what a rules file allows."""

import json
from pathlib import Path

import click

from task_core.api import UsageError, shown
from task_taskmaster_http.rules import read_rules
from task_taskmaster_http.tokens import hash_of, new_token

FREE = "without a token where only this machine reaches it"
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
    """Make a token, and print the lines for the rules file, which hold its hash.

    The token itself goes to standard error, this once: task http token NAME >> RULES
    shows it, and writes it nowhere.
    """
    for what, values in (("NAME", [name]), ("--type", types), ("--topic", topics)):
        if not all(value.strip() for value in values):
            raise UsageError(f"{what} must not be empty")
    made = new_token()
    click.echo(f"[[token]]\nname = {_toml(name)}\nhash = {_toml(hash_of(made))}")
    for key, values in (("types", types), ("topics", topics)):
        if values:
            click.echo(f"{key} = [{', '.join(map(_toml, values))}]")
    click.echo(shown(f"give this to {name}, it is shown this once:"), err=True)
    click.echo(made, err=True)


@command.command("check")
@click.argument("path", metavar="RULES", type=click.Path(path_type=Path))
def check(path: Path) -> None:
    """Tell all that is wrong with rules, or what they allow.

    Exit code 2 when something is. Secrets are looked up as a start would do.
    """
    rules = read_rules(path)
    for token in rules.tokens:
        types = ", ".join(token.types) or "anything"
        topics = ", ".join(token.topics or token.types) or "any topic"
        click.echo(shown(f"token {token.name} may send {types} to {topics}"))
    if not rules.tokens:
        click.echo(f"POST /tasks, {FREE}: anything to any topic")
    free = "with a token" if rules.tokens else FREE
    for hook in rules.hooks.values():
        how = "signed" if hook.signature else free
        topic = hook.topic or hook.type
        click.echo(shown(f"POST /hooks/{hook.name}, {how}: {hook.type} to {topic}"))


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
