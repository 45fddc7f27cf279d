"""`task completion`: the script that makes a shell complete commands and names."""

import click
from click.shell_completion import get_completion_class

HELP = """Print the completion script for a shell: bash, zsh or fish.

\b
Examples:
  eval "$(task completion bash)"
  task completion fish > ~/.config/fish/completions/task.fish
"""


@click.command(help=HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script."""
    kind = get_completion_class(shell)
    assert kind is not None  # click brings these three
    group = ctx.find_root().command
    script = kind(group, {}, "task", "_TASK_COMPLETE").source()
    click.echo(script)
