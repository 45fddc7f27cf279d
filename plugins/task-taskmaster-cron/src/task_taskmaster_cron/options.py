"""The options of the taskmaster: beside the manifest, below everything else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from task_core.api import option

MISSED = ("skip", "last", "all")
"""The words of `task_rules.missed`, which help and lists need not import."""


def _known(options: Any, attribute: Any, missed: str) -> None:
    if missed not in MISSED:
        raise ValueError(f"{missed!r} is none of {', '.join(MISSED)}")


@attrs.frozen(kw_only=True)
class Options:
    """Options of the taskmaster `cron`."""

    rules: Path = option(help="TOML file that holds the rules.")
    state: Path | None = option(
        None,
        help="JSON file that keeps how far each rule is done; beside the rules"
        " as `.state.json` when not given.",
    )
    store: str | None = option(
        None,
        help="Store that several instances share, so that each firing is sent once:"
        " a path on one machine, or postgresql://USER@HOST/DATABASE.",
        metavar="URL",
    )
    takeover: timedelta = option(
        timedelta(seconds=10),
        help="With a store: time after which an instance sends what another one has"
        " claimed, and not sent.",
        validator=attrs.validators.ge(timedelta(seconds=1)),
    )
    missed: str = option(
        "last",
        help="Which firings to make up for after a time in which nothing ran.",
        metavar="[skip|last|all]",
        validator=_known,
    )
    timezone: str = option("UTC", help="Time zone of the rules that name none.")
    dry_run: int = option(
        0,
        help="Show so many of the next firings, and send nothing.",
        validator=attrs.validators.ge(0),
    )
