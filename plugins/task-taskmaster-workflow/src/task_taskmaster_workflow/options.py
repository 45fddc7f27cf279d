"""The options of the taskmaster: beside the manifest, below everything else."""

from datetime import timedelta
from pathlib import Path

import attrs

from task_core.api import option


@attrs.frozen(kw_only=True)
class Options:
    """Options of the taskmaster `workflow`."""

    path: Path = option(help="TOML file of phases, or a folder of such files.")
    store: str | None = option(
        None,
        help="Where claims and joins are kept: a file, or postgresql://…; a file beside"
        " the path as `.store.db` when not given. Instances share it.",
    )
    done_topic: str = option("done", help="Topic of done tasks.")
    channel: str = option("workflow", help="Channel on that topic.")
    failed_topic: str = option(
        "retry-failed", help="Topic for tasks that failed for good; none when '-'."
    )
    alert_topic: str = option(
        "alerts", help="Topic for what people should look at; none when '-'."
    )
    file_topic: str = option(
        "",
        help="Topic that tells of files, for phases with `files`: statistics of Go's"
        " workers, notifications of GCS and S3, tasks of the taskmaster files.",
    )
    refresh: timedelta = option(
        timedelta(seconds=10),
        help="Time between two looks for changed files.",
        validator=attrs.validators.gt(timedelta()),
    )
    batch: int = option(
        500,
        help="Done tasks that are handled at once, at most.",
        validator=attrs.validators.ge(1),
    )
