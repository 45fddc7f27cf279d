"""`task files`: check rules, and list what they mean."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from task_core.api import OptionError, shown
from task_taskmaster_files.file import File
from task_taskmaster_files.listers import make_lister
from task_taskmaster_files.rule import Rule, Source, info_of_file
from task_taskmaster_files.rules import Rules, read_rules
from task_taskmaster_files.scanner import Scanner
from task_taskmaster_files.teller import group_of, undated

HELP = """Look at rules for files, without sending anything.

The taskmaster `files` goes by them:
task launch --taskmaster files --taskmaster-rules RULES --bus URL
"""
PATH = click.Path(path_type=Path)
SHOWN = 3
"""Places of a pattern that are shown."""


def make() -> click.Command:
    """Return the command."""
    return command


@click.group(help=HELP)
def command() -> None:
    """Hold the commands together."""


@command.command("check")
@click.argument("paths", metavar="RULES...", nargs=-1, required=True, type=PATH)
@click.option("--timezone", default="UTC", show_default=True, help="As for the rules.")
def check(paths: tuple[Path, ...], timezone: str) -> None:
    """Tell all that is wrong with rules, and where they look.

    Exit code 2 when something is.
    """
    problems: list[str] = []
    for path in paths:
        try:
            rules = read_rules(path, timezone=timezone)
        except OptionError as error:
            problems += str(error).splitlines()
        else:
            click.echo(shown("\n".join(_report(path, rules)), lines=True))
            problems += [f"{path}: {it}" for it in _unusable(rules)]
            for note in rules.notes:
                click.echo(shown(note), err=True)
    if problems:
        raise OptionError(problems)


@command.command("list")
@click.argument("path", metavar="RULES", type=PATH)
@click.option("--timezone", default="UTC", show_default=True, help="As for the rules.")
@click.option("--max", "most", default=100, show_default=True, help="Files of a rule.")
def list_(path: Path, timezone: str, most: int) -> None:
    """List the files that rules mean now, with the info of their tasks.

    Finished or not, told or not: nothing is sent, and nothing is written down.
    """
    rules = read_rules(path, timezone=timezone)
    for rule in rules.rules:
        lister = make_lister(rule, rules.storage)
        if lister is None:
            click.echo(shown(f"{rule}: events tell its files"))
            continue
        scanner = Scanner(rule, lister)
        folders = scanner.scan(datetime.now(UTC), 0.0, whatever=True)
        found = [file for some in folders for _, file in some]
        found.sort(key=lambda it: it.path)
        count = scanner.tally.files
        click.echo(shown(f"{rule}: {'1 file' if count == 1 else f'{count} files'}"))
        for line in _lines(rule, found[:most]):
            click.echo(f"  {shown(line)}")
        if len(found) > most:
            click.echo(f"  and {len(found) - most} more: see --max")
        for problem in scanner.tally.told():
            click.echo(f"  {shown(problem)}", err=True)


def _unusable(rules: Rules) -> Iterator[str]:
    """Tell of storages that cannot be listed; loading what lists takes its time."""
    listed = [it for it in rules.rules if it.source is not Source.EVENTS]
    for rule in listed:
        if not rule.pattern.is_local:
            from task_taskmaster_files.remote import unusable_storage

            if problem := unusable_storage(rule.pattern.protocol):
                yield f"{rule}: {problem}"


def _lines(rule: Rule, found: list[File]) -> Iterator[str]:
    for file in found:
        if problem := undated(rule, file):
            yield f"{file.path}  alert: {problem.removesuffix(f': {file.path}')}"
        elif rule.grouping:
            yield f"{file.path}  {group_of(rule.grouping, file)}"
        else:
            yield f"{file.path}  {info_of_file(rule, file)}"


def _report(path: Path, rules: Rules) -> Iterator[str]:
    count = len(rules.rules)
    yield f"{path.name}: {'1 rule' if count == 1 else f'{count} rules'}"
    for rule in rules.rules:
        yield f"  {rule.name or rule.number}  {_how(rule)} -> {rule.topic}"
        if rule.source is Source.EVENTS:
            continue
        places = rule.pattern.places(datetime.now(UTC), rule.lookback)
        for place in places[:SHOWN]:
            yield f"      {place.root.rstrip('/')}/{'/'.join(place.segments)}"
        if len(places) > SHOWN:
            yield f"      and {len(places) - SHOWN} more"


def _how(rule: Rule) -> str:
    if rule.source is Source.EVENTS:
        return f"{rule.pattern.text}, told by events"
    finished = "with its marker" if rule.marker else "at once"
    if rule.quiet:
        finished = f"after {rule.quiet:g}s without change"
    group = f", in groups by {rule.grouping.by}" if rule.grouping else ""
    return f"{rule.pattern.text}, each {rule.every:g}s, finished {finished}{group}"
