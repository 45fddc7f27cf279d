"""`task launch --instances` and `--reload`: launchers as processes of their own."""

import json
import logging
import os
import re
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from task_core.api.command import Launch, Restart
from task_core.cli.buses import STDIN
from task_core.cli.instance_status import gathered_status, place_for_pages
from task_core.cli.launch_options import WORDS
from task_core.cli.logs import LogFormat
from task_core.config.selection import Settings
from task_core.errors import UsageError
from task_core.supervisor import leash
from task_core.supervisor.child import Child
from task_core.supervisor.fleet import Fleet
from task_core.supervisor.screen import show
from task_core.supervisor.sources import COMPILES_ONLY, Sources

_OURS = re.compile(r"(-n|--instances|--status)(=?)(.*)|--(no-)?reload")
_OF_ONE_PROCESS = ("memory",)
"""Buses of which each process would have its own."""

log = logging.getLogger("task")


def run_instances(settings: Settings, *others: Settings) -> int:
    """Run launchers until they have ended, or a signal comes; return the exit code.

    Args:
        settings: What the command line, environment and TOML say.
        others: The same for further workers of each launcher.

    Raises:
        UsageError: They cannot share what they are to read, or what reloading needs is
            not there.
    """
    options = settings.command
    count = 1 if settings.taskmaster else count_of(options.instances)
    _refuse_to_share([settings, *others], count)
    sources = _sources([settings, *others]) if options.reload else None
    lines = InstanceLines(json=options.log_format is LogFormat.JSON)
    shows = sys.stderr.isatty()
    log.info("%d instance%s", count, "" if count == 1 else "s")
    with place_for_pages(options.status) as folder:
        fleet = Fleet(
            [
                Child(_launch(name, settings), name, Restart.FAILURE, lines, folder)
                for name in map(str, range(1, count + 1))
            ],
            lines.announce,
            staggered=True,
            # When its terminal is closed, SIGHUP means what it always did.
            rolls=lambda: not shows or sys.stderr.isatty(),
            watch=sources.watch if sources else None,
            leashed=leash.Leash.channel >= 0,
        )
        leash.announce([fleet.began], fleet.signals)
        with gathered_status(options.status, fleet.children):
            return fleet.run()


def count_of(text: str) -> int:
    """Return how many launchers are wanted; `auto` is one for each core."""
    if text != "auto":
        return int(text)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _refuse_to_share(many: Sequence[Settings], count: int) -> None:
    """Refuse what has one reader."""
    for one in many:
        for chosen in one.buses.values():
            name, can = chosen.plugin.name, chosen.plugin.capabilities
            if name in STDIN:
                text = f"bus '{name}' is a pipe, which no other process can be given"
            elif count > 1 and (name in _OF_ONE_PROCESS or not can.ack):
                text = f"bus '{name}' cannot be shared by {count} instances"
            else:
                continue
            raise UsageError(f"{text}: give --bus a broker, or sqlite")


def _launch(name: str, settings: Settings) -> Launch:
    options = settings.command
    words = [*_without_ours(click.get_current_context().meta[WORDS]), "--no-reload"]
    if settings.worker:
        words.append("--instances=1")
    if options.log_time is None and sys.stderr.isatty():
        words.append("--no-log-time")  # what it writes to is no terminal
    return Launch(
        name=name,
        words=("launch", *words),
        environment={"TASK_INSTANCE": name} | (COMPILES_ONLY if options.reload else {}),
        buses=(),
        kill_time=options.kill_time.total_seconds(),
        own=None,
        fail=options.fail,
    )


def _without_ours(words: Sequence[str]) -> list[str]:
    """Leave out what the launchers must not be told as well."""
    rest: list[str] = []
    skips = False
    for word in words:
        match = None if skips else _OURS.fullmatch(word)
        if match is None and not skips:
            rest.append(word)
        skips = bool(match and match[1] and not (match[2] or match[3]))
    return rest


class InstanceLines:
    """Writes what launchers say to stderr, each line with the number of its launcher.

    Args:
        json: Whether they are objects.
    """

    def __init__(self, *, json: bool) -> None:
        self._json = json

    def write(self, name: str, lines: Sequence[bytes]) -> None:
        """Write lines of a launcher."""
        texts = [self._line(name, one.decode(errors="replace")) for one in lines]
        show("".join(f"{text}\n" for text in texts))

    def tell(self, name: str, text: str) -> None:
        """Write what happened to a launcher."""
        level = logging.INFO if text == "ended with exit code 0" else logging.WARNING
        log.log(level, "instance %s %s", name, text)

    def announce(self, text: str) -> None:
        """Write what happens to all of them."""
        log.info("instances: %s", text)

    def _line(self, name: str, text: str) -> str:
        if not self._json:
            return f"[{name}] {text}"
        if not (text.startswith('{"') and text.endswith("}")):
            return json.dumps({"instance": name, "message": text})
        return f'{{"instance":"{name}",{text[1:]}'


def _sources(many: Sequence[Settings]) -> Sources:
    """Return what watches all that is imported by name."""
    folders = {
        folder
        for one in many
        for text in (one.command.worker, one.command.taskmaster, *one.command.hooks)
        if text and (folder := _folder(text, one))
    }
    config = getattr(many[0].toml, "path", "")
    return Sources(folders, [Path(config)] if config else [])


def _folder(text: str, settings: Settings) -> Path | None:
    """Return where the source of a plugin is, as it is named on the command line."""
    place = text.partition(":")[0]
    path = Path(text if text.endswith(".py") else place)
    if path.suffix == ".py":
        return path.parent
    module = place
    if ":" not in text:
        chosen = settings.worker or settings.taskmaster
        make = getattr(chosen.plugin, "make", None) if chosen else None
        module = getattr(make, "place", "") or getattr(make, "__module__", "")
    top = module.partition(":")[0].partition(".")[0]
    try:
        spec = find_spec(top) if top else None
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).parent if spec and spec.origin else None
