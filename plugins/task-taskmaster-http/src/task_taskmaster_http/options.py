"""The options of the taskmaster: beside the manifest, below everything else."""

from datetime import timedelta
from pathlib import Path

import attrs

from task_core.api import option

_POSITIVE = attrs.validators.gt(0)


@attrs.frozen(kw_only=True)
class Options:
    """Options of the taskmaster `http`."""

    address: str = option(
        "127.0.0.1:8080",
        help="Where to listen, HOST:PORT; beyond this machine only with tokens.",
    )
    rules: Path | None = option(
        None, help="TOML file of tokens and hooks: who may send what."
    )
    workflows: Path | None = option(
        None,
        help="File of phases, or folder of such files: POST /backload makes their"
        " tasks. It needs the extra [workflow].",
    )
    store: str | None = option(
        None,
        help="Where it is kept what was sent under which Idempotency-Key: a path, or"
        " the URL of a database that instances share; beside the rules as"
        " `.store.db`, or http.store.db, when not given.",
        metavar="URL",
    )
    wait: timedelta = option(
        timedelta(seconds=5),
        help="How long a request waits until the bus has confirmed its tasks.",
        validator=attrs.validators.gt(timedelta(0)),
    )
    max_body: int = option(
        1_000_000, help="Longest body of a request, in bytes.", validator=_POSITIVE
    )
    max_tasks: int = option(
        1_000, help="Most tasks in one request.", validator=_POSITIVE
    )
    rate: int = option(
        0,
        help="Most requests a second of one token or, without one, of one address;"
        " 0: no limit.",
        validator=attrs.validators.ge(0),
    )
