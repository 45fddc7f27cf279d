"""The options of the taskmaster: beside the manifest, below everything else."""

from pathlib import Path

import attrs

from task_core.api import option


@attrs.frozen(kw_only=True)
class Options:
    """Options of the taskmaster `files`."""

    rules: Path = option(help="TOML file that holds the rules.")
    store: str | None = option(
        None,
        help="Where it is kept what was told: a path, or the URL of a database that"
        " instances share; beside the rules as `.store.db` when not given.",
        metavar="URL",
    )
    events: str | None = option(
        None,
        help="Topic of messages about files: statistics as Go's workers publish them,"
        " or notifications of GCS or S3.",
        metavar="TOPIC",
    )
    channel: str = option("files", help="Channel on the topic of events.")
    watch: bool = option(
        True,
        help="Whether events of this machine's file system ask for a listing at once.",
    )
    manifests: str | None = option(
        None,
        help="Folder or URL for lists of the files of groups; beside the rules as"
        " `.manifests` when not given.",
        metavar="PLACE",
    )
    alerts: str = option(
        "done", help="Topic of tasks that tell a person of late files and short groups."
    )
    timezone: str = option("UTC", help="Time zone of the rules that name none.")
