"""The options of the bus: beside the manifest, below everything else."""

import re
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
from attrs.validators import ge, in_

from task_core.api import UrlPart, more_than_nothing, option

MIB = 1024 * 1024
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}")
"""What the schema may be called: nothing that anybody has to quote."""


class SslMode(Enum):
    """How much TLS there is to be, in libpq's words."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


def _is_name(_: Any, attribute: Any, value: str) -> None:
    if not NAME.fullmatch(value):
        raise ValueError(
            f"'{attribute.name}' must be letters, digits and _, not {value!r}"
        )


@attrs.frozen(kw_only=True, eq=False)
class PostgresOptions:
    """Options of the bus `postgres`."""

    host: str = option(
        "localhost",
        help="Where the server is: several with commas in between, of which that is"
        " taken which can be written to; or the folder of its socket.",
        url=UrlPart.HOST,
        metavar="HOST[:PORT],…",
    )
    port: int = option(
        5432, help="Its port.", url=UrlPart.PORT, validator=in_(range(1, 65536))
    )
    dbname: str = option(
        "",
        help="The database; that of the user's name if empty.",
        url=UrlPart.PATH,
        metavar="NAME",
    )
    user: str = option("", help="Who logs in.", url=UrlPart.USERNAME)
    password: str = option("", help="The password.", url=UrlPart.PASSWORD, secret=True)
    sslmode: SslMode = option(
        SslMode.PREFER, help="How much TLS; verify-full over networks."
    )
    sslrootcert: Path | None = option(None, help="Certificates to trust, as PEM.")
    sslcert: Path | None = option(None, help="The client's own certificate, as PEM.")
    sslkey: Path | None = option(None, help="Its key, as PEM.")
    schema: str = option(
        "task", help="The schema with the tables, made if missing.", validator=_is_name
    )
    notify: bool = option(
        True, help="Be notified of what comes; not behind PgBouncer: look for it there."
    )
    poll: timedelta = option(
        timedelta(seconds=1),
        help="How often to look for what nobody tells of, at the least.",
        validator=more_than_nothing,
    )
    max_bytes: int = option(16 * MIB, help="Longest body.", validator=ge(1))
    connect_timeout: timedelta = option(
        timedelta(seconds=5),
        help="How long connecting may take.",
        validator=more_than_nothing,
    )
    timeout: timedelta = option(
        timedelta(seconds=10),
        help="How long an answer may take.",
        validator=more_than_nothing,
    )
