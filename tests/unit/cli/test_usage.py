"""Mistakes in the words of a command line are told in the house's own words."""

import click
import pytest

from task_core.cli.usage import told


@click.command()
@click.argument("topic")
@click.option("-n", "--count", type=click.IntRange(1))
@click.option("--share", type=float)
@click.option("--only")
@click.option("--all", "all_", is_flag=True)
def command(only: str | None, **others: object) -> None:
    """Refuse a name as commands of plugins do."""
    if only:
        raise click.BadParameter(f"there is no {only}", param_hint="--only")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "TOPIC is missing"),
        (["a", "b", "c"], "this is too much: b c"),
        (["a", "-n", "x"], "--count: not a whole number: 'x'"),
        (["a", "--share", "x"], "--share: not a number: 'x'"),
        (["a", "-n"], "-n wants a value"),
        (["a", "--all=1"], "--all takes no value"),
        (
            ["a", "--coumt", "1"],
            "there is no option '--coumt': did you mean '--count'?",
        ),
        (["a", "--zzzzzz"], "there is no option '--zzzzzz'"),
        (["a", "--only", "b"], "--only: there is no b"),
    ],
)
def test_a_mistake_is_told_as_all_others_are(words, text):
    """Which word it is, and what is wrong with it."""
    with pytest.raises(click.UsageError) as raised:
        command(words, standalone_mode=False)
    assert told(raised.value) == text


@click.group()
def group() -> None:
    """Hold commands."""


group.add_command(click.Command("list"))
group.add_command(click.Command("drop"))


@pytest.mark.parametrize(
    ("word", "hint"), [("load", ""), ("lits", ": did you mean 'list'?")]
)
def test_a_command_that_is_not_there_is_told_with_those_that_are(word, hint):
    """As behind `task` itself."""
    with pytest.raises(click.UsageError) as raised:
        group([word], standalone_mode=False)
    text = f"there is no command '{word}'{hint} (there are drop, list)"
    assert told(raised.value) == text
