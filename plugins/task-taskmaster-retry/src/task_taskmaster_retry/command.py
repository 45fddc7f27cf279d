"""`task retry`: check rules."""

from pathlib import Path

import click

from task_core.api import OptionError, shown
from task_taskmaster_retry.rule import Rule
from task_taskmaster_retry.rules import Rules, read_rules

PATH = click.Path(path_type=Path)
SHOWN = 6
"""Waits that are shown."""


def make() -> click.Command:
    """Return the command."""
    return command


@click.group()
def command() -> None:
    """Look at rules for failed tasks, without sending anything.

    The taskmaster `retry` goes by them:
    task launch --taskmaster retry --taskmaster-rules RULES --bus URL
    """


@command.command("check")
@click.argument("paths", metavar="RULES...", nargs=-1, required=True, type=PATH)
def check(paths: tuple[Path, ...]) -> None:
    """Tell all that is wrong with rules, and the waits that they mean.

    Exit code 2 when something is.
    """
    problems: list[str] = []
    for path in paths:
        try:
            rules = read_rules(path)
        except OptionError as error:
            problems += error.problems
        else:
            lines = [f"{path.name}: {_where(rules)}", *map(_line, rules.rules)]
            click.echo(shown("\n".join(lines), lines=True))
    if problems:
        raise OptionError(problems)


def _where(rules: Rules) -> str:
    copies = f", copies to {rules.retried_topic}" if rules.retried_topic else ""
    failed = f", given up to {rules.failed_topic}" if rules.failed_topic else ""
    return f"reads {rules.done_topic} as {rules.done_channel}{copies}{failed}"


def _line(rule: Rule) -> str:
    waits = [f"{rule.delay(n, float):g}s" for n in range(min(rule.retry, SHOWN))]
    more = " …" if rule.retry > SHOWN else ""
    match = f" when '{rule.match.pattern}'" if rule.match else ""
    times = "once" if rule.retry == 1 else f"{rule.retry} times"
    often = f"{times} after {' '.join(waits)}{more}" if waits else "never"
    return f"  {rule}{match}: {often} -> {rule.topic}"
