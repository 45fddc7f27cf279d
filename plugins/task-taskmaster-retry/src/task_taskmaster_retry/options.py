"""The options of the taskmaster: beside the manifest, below everything else."""

from datetime import timedelta
from pathlib import Path

import attrs

from task_core.api import option


@attrs.frozen(kw_only=True)
class Options:
    """Options of the taskmaster `retry`."""

    rules: Path = option(help="TOML file that holds the rules.")
    store: str | None = option(
        None,
        help="Where what waits is kept: a path, or the URL of a database that instances"
        " share; beside the rules as `.store.db` when not given.",
        metavar="URL",
    )
    takeover: timedelta = option(
        timedelta(seconds=10),
        help="Time after which an instance sends what another one was to send.",
        validator=attrs.validators.ge(timedelta(seconds=1)),
    )
    dry_run: bool = option(
        False,
        help="Tell in the log what would be sent, and send nothing; reads the done"
        " tasks on a channel of its own.",
    )
