"""`task plugins`: what is installed, what it can do, and what is wrong with it."""

from collections.abc import Callable
from typing import Any

import attrs
import click
from msgspec.structs import replace

from task_core.api.capabilities import Capabilities
from task_core.cli.commands import installed
from task_core.cli.render import show_json, table
from task_core.cli.stdout import diverted_stdout
from task_core.config.sources import Section
from task_core.discovery.catalog import Catalog
from task_core.discovery.found import KINDS, Found
from task_core.discovery.loader import check_fields, load
from task_core.errors import UsageError
from task_core.fields import Field

HELP = """Show the buses, workers, taskmasters, hooks and commands that are installed.

\b
Examples:
  task plugins list --kind bus
  task plugins show bus file
  task plugins doctor
  task plugins doctor --connect nsq://localhost:4150

TASK_PLUGINS=none hides all that is not built in, TASK_PLUGINS=a,b all but these
distributions, TASK_PLUGINS_DISABLED=a,b just these.
"""
_KIND = click.Choice(KINDS)


def _as_json() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(help=HELP)
def command() -> None:
    """Is replaced by the help text above."""


@command.command("list")
@click.option("--kind", type=_KIND, help="Show only these.")
@_as_json()
def list_(kind: str | None, as_json: bool) -> None:
    """List what is installed. Imports nothing of it."""
    catalog = installed()
    plugins = [
        (found, _status(found, catalog))
        for found in sorted([*catalog.found, *catalog.disabled], key=_place)
        if kind in (None, found.kind)
    ]
    if as_json:
        show_json([_record(found, status) for found, status in plugins])
        return
    rows = [(f.kind, f.name, f.distribution, f.version, s) for f, s in plugins]
    click.echo(table(("KIND", "NAME", "DISTRIBUTION", "VERSION", "STATUS"), rows))


def _place(found: Found) -> tuple[int, str]:
    return KINDS.index(found.kind), found.name


def _status(found: Found, catalog: Catalog) -> str:
    if found in catalog.disabled:
        return "disabled"
    return "conflict" if catalog.rivals(found) else _owned(found)


def _owned(found: Found) -> str:
    return "built in" if found.builtin else "installed"


def _record(found: Found, status: str) -> dict[str, str]:
    names = ("kind", "name", "distribution", "version", "value", "location")
    return {**{name: getattr(found, name) for name in names}, "status": status}


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    names = installed().names(ctx.params.get("kind") or "")
    return [name for name in names if name.startswith(incomplete)]


@command.command()
@click.argument("kind", type=_KIND)
@click.argument("name", shell_complete=_names)
@_as_json()
def show(kind: str, name: str, as_json: bool) -> None:
    """Show what a plugin is, what it can be told, and what it can do.

    Its NAME may be all that 'task launch' takes: a URL, a file, a module.
    """
    with diverted_stdout():  # what a plugin prints when imported is no data
        found, _ = installed().choose(kind, name)
        manifest = load(found)
        found = _named(found, manifest)
        facts = _facts(found, manifest)
    if as_json:
        show_json(facts)
        return
    click.echo(f"{kind} {found.name}: {facts['summary']}")
    click.echo(f"from {found.place if found.given else found.owner} ({found.value})")
    for title in ("options", "capabilities", "hooks"):
        if facts.get(title):
            headers = tuple(key.upper() for key in facts[title][0])
            rows = [tuple(map(_cell, row.values())) for row in facts[title]]
            click.echo(f"\n{table(headers, rows)}")


def _named(found: Found, manifest: Any) -> Found:
    """Return what is in a file by the name that its options have."""
    if not found.given:
        return found
    return replace(found, name=getattr(manifest, "name", found.name))


def _facts(found: Found, manifest: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {**_record(found, _owned(found))}
    if found.kind == "hooks":
        from task_core.api.hooks import HooksPlugin
        from task_core.discovery.hooks import Listeners, needs_options

        declared = isinstance(manifest, HooksPlugin)
        if declared:
            check_fields(found, manifest)
        listeners = Listeners()
        if not needs_options(manifest):  # nobody knows them here
            listeners.add(found, manifest)
        hooks = [{"hook": name} for name in listeners.implemented()]
        facts |= {"summary": f"{len(hooks)} hooks", "hooks": hooks}
        if not declared:
            return facts
        section = Section(options=manifest.options, table=("hooks", found.name))
        options = [_option(section, spec) for spec in section.specs]
        for option in options:
            del option["flag"]  # only buses and workers have those
        return facts | {"summary": manifest.summary, "options": options}
    if found.kind == "command":
        return {**facts, "summary": manifest.summary, "api": manifest.api}
    section = Section(
        options=manifest.options, table=(found.kind, found.name), flag=f"{found.kind}-"
    )
    options = [_option(section, spec) for spec in section.specs]
    facts |= {"summary": manifest.summary, "api": manifest.api, "options": options}
    if found.kind == "bus":
        facts["capabilities"] = _capabilities(manifest.capabilities)
    return facts


def _option(section: Section, spec: Field) -> dict[str, str]:
    return {
        "flag": section.flag_of(spec),
        "environment": section.env_of(spec),
        "toml": section.key_of(spec),
        "type": f"{spec.metavar}{',...' if spec.multiple else ''}",
        "default": "(required)" if spec.required else spec.show(spec.default),
        "help": spec.details.help,
    }


def _capabilities(offered: Capabilities) -> list[dict[str, Any]]:
    meanings = capability_meanings()
    return [
        {"capability": name, "offered": value, "meaning": meanings.get(name, "")}
        for name, value in attrs.asdict(offered).items()
    ]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no limit" if value is None else str(value)


def capability_meanings() -> dict[str, str]:
    """Return what each capability means, as its class tells authors.

    Example:
        >>> capability_meanings()["lease"]
        'A delivery that is neither settled nor extended comes again.'
    """
    lines = (Capabilities.__doc__ or "").splitlines()
    pairs = (line.strip().partition(": ") for line in lines)
    return {name: meaning for name, _, meaning in pairs if meaning}


@command.command(short_help="Examine plugins; with --connect, ask a bus.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--author", is_flag=True, help="Say also what only authors can mend.")
@click.option("--connect", metavar="URL", help="Ask this bus for a sign of life.")
@_as_json()
def doctor(
    names: tuple[str, ...], author: bool, connect: str | None, as_json: bool
) -> int:
    """Examine plugins, or all those of a distribution; exit with 3 if one is broken.

    Each is imported in a process of its own: a broken one hurts nobody else. With
    --connect a bus is opened instead, and asked whether it is there.
    """
    # Only now, since it needs modules that listing does not.
    from task_core.cli import doctor as examination

    if connect is None:
        return examination.run(installed(), names, as_json=as_json, for_authors=author)
    if names:
        raise UsageError("--connect is about one bus: leave the names out")
    return examination.connect(installed(), connect, as_json=as_json)
