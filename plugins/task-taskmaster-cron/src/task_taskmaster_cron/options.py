"""The options of the taskmaster: beside the manifest, below everything else."""

from enum import StrEnum
from pathlib import Path

import attrs

from task_core.api import option


class Missed(StrEnum):
    """What becomes of firings that are more than a minute late when we look."""

    SKIP = "skip"
    """They are left out."""
    LAST = "last"
    """The latest of them is made up for."""
    ALL = "all"
    """Each of them is made up for, in order."""


@attrs.frozen(kw_only=True)
class Options:
    """Options of the taskmaster `cron`."""

    rules: Path = option(help="TOML file that holds the rules.")
    state: Path | None = option(
        None,
        help="JSON file that keeps how far each rule is done; beside the rules"
        " as `.state.json` when not given.",
    )
    missed: Missed = option(
        Missed.LAST,
        help="Which firings to make up for after a time in which nothing ran.",
    )
    timezone: str = option("UTC", help="Time zone of the rules that name none.")
    dry_run: int = option(
        0,
        help="Show so many of the next firings, and send nothing.",
        validator=attrs.validators.ge(0),
    )
