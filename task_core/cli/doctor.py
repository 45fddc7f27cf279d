"""Prints the findings of `task plugins doctor`."""

import inspect
import time
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import click

from task_core.api.bus import Role
from task_core.api.plugin import NoOptions
from task_core.cli.buses import open_selected
from task_core.cli.command_context import STDOUT
from task_core.cli.plugin_commands import open_command
from task_core.cli.render import show_json, style
from task_core.cli.stdout import diverted_stdout
from task_core.config.bus import choose_bus
from task_core.config.faults import faults_of, wrong_validators
from task_core.discovery.catalog import Catalog
from task_core.discovery.doctor import diagnose
from task_core.discovery.findings import Finding, Level, about
from task_core.discovery.found import URL, Found
from task_core.discovery.making import make_freely
from task_core.errors import FrameworkError, PluginError
from task_core.fields import is_record
from task_core.launcher.signature import compile_call
from task_core.options import options_of

URL_KINDS = ("bus", "worker", "taskmaster")
"""What may be given as a URL."""
_COLOURS = {"OK": "green", "INFO": "blue", "WARN": "yellow", "FAIL": "red"}


def run(
    catalog: Catalog, names: Sequence[str], *, as_json: bool, for_authors: bool
) -> int:
    """Examine plugins and print what was found.

    Args:
        catalog: What is installed.
        names: Plugins or distributions; all when empty.
        as_json: Print JSON rather than lines.
        for_authors: Print also what only the authors of plugins can do.

    Returns:
        The exit code: 3 when something is broken.
    """
    with diverted_stdout():  # what a plugin prints when imported is no data
        findings = diagnose(catalog, names, CHECKS)
    if not for_authors:
        findings = [one for one in findings if one.level is not Level.INFO]
    if as_json:
        show_json([attrs.asdict(finding) for finding in findings])
    else:
        click.echo("\n".join(map(_lines, findings)))
    broken = any(finding.level is Level.FAIL for finding in findings)
    return PluginError.exit_code if broken else 0


def check_options(found: Found, manifest: Any) -> Iterator[Finding]:
    """P09: its options can be set, and `--help` says what they are for."""
    if not (kind := getattr(manifest, "options", None)):
        return  # neither a command nor bare hooks have any
    try:
        options = options_of(kind)
    except PluginError as error:
        yield about(found, "P09", Level.FAIL, str(error), "tell its author")
        return
    for fault in faults_of(kind):
        level = Level.WARN if fault.harmless else Level.FAIL
        yield about(found, "P09", level, fault.text, "tell its author")
    for option in options:
        if not option.details.help:
            cause = f"its option '{option.name}' has no help"
            fix = "its author can declare it with option(..., help=...)"
            yield about(found, "P09", Level.WARN, cause, fix)


def check_name(found: Found, manifest: Any) -> Iterator[Finding]:
    """P05: its name can begin a URL, which sets its options."""
    takes = found.kind in URL_KINDS and manifest.options is not NoOptions
    if takes and not URL.fullmatch(f"{found.name}:"):
        cause = "its name can begin no URL"
        fix = "its author can choose one of lower-case letters, digits and dashes"
        yield about(found, "P05", Level.WARN, cause, fix)


def check_signature(found: Found, manifest: Any) -> Iterator[Finding]:
    """P02: a function has parameters that a launcher can give."""
    if found.kind != "worker":
        return
    try:
        if worker := make_freely(found, manifest):
            compile_call(worker)
            yield from _parameters(found, worker)
    except FrameworkError as error:
        cause = getattr(error, "cause", str(error))
        yield about(found, "P02", Level.FAIL, cause, "tell its author")


def _parameters(found: Found, worker: Any) -> Iterator[Finding]:
    """See whether the validators of parameters can be called."""
    if inspect.isroutine(worker):
        signature = inspect.signature(worker, eval_str=True)
        for parameter in [*signature.parameters.values()][:1]:
            if is_record(parameter.annotation):
                for fault in wrong_validators(parameter.annotation):
                    text = f"{parameter.annotation.__name__}: {fault.text}"
                    yield about(found, "P02", Level.FAIL, text, "tell its author")


def check_command(found: Found, manifest: Any) -> Iterator[Finding]:
    """P02: what a command opens is one: that connects to nothing yet."""
    if found.kind != "command":
        return
    try:
        with diverted_stdout():
            open_command(found, manifest)
    except PluginError as error:
        yield about(found, error.code, Level.FAIL, error.cause, error.fix)


def check_summary(found: Found, manifest: Any) -> Iterator[Finding]:
    """P09: it says what it is for."""
    summary = getattr(manifest, "summary", "")
    if found.kind != "hooks" and not (isinstance(summary, str) and summary.strip()):
        cause = f"its summary is {summary!r}" if summary else "it has no summary"
        decorated = found.kind in ("worker", "taskmaster")
        way = "a docstring, or `summary`" if decorated else "`summary`"
        fix = f"its author can give it one: {way}"
        yield about(found, "P09", Level.WARN, cause, fix)


CHECKS = (check_name, check_summary, check_options, check_signature, check_command)
"""What is asked about those whose manifest is good."""


def connect(catalog: Catalog, url: str, *, as_json: bool) -> int:
    """Open a bus, ask for a sign of life, and say how long that took.

    Makes nothing: a mistyped path would be a new file that answers.

    Raises:
        FrameworkError: It cannot be opened, or does not answer.
    """
    begin = time.perf_counter()
    # What a plugin prints when it is imported is no data.
    chosen = choose_bus(catalog, url, {}, importing=diverted_stdout())
    bus = open_selected(chosen, Role.BOTH, STDOUT, create=False)
    try:
        bus.ping()
        seconds = time.perf_counter() - begin
    finally:
        bus.close()
    if as_json:
        show_json({"bus": bus.name, "seconds": round(seconds, 6)})
    else:
        level = style(f"{Level.OK:<4}", fg=_COLOURS[Level.OK])
        click.echo(f"{level}  bus {bus.name} answers, in {seconds * 1000:.0f} ms")
    return 0


def _lines(finding: Finding) -> str:
    who = f"{finding.kind} {finding.name}".strip()
    parts = [who, finding.distribution] if who else [finding.distribution]
    level = style(f"{finding.level:<4}", fg=_COLOURS[finding.level])
    text = f"{level}  {finding.code}  {', '.join(filter(None, parts))}: {finding.cause}"
    return f"{text}\n           fix: {finding.fix}" if finding.fix else text
