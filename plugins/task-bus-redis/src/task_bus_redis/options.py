"""The options of the bus: beside the manifest, below everything else."""

from datetime import timedelta
from pathlib import Path

import attrs
from attrs.validators import ge

from task_core.api import UrlPart, option

MIB = 1024 * 1024


@attrs.frozen(kw_only=True, eq=False)
class RedisOptions:
    """Options of the bus `redis`."""

    host: str = option("localhost", help="Where the server is.", url=UrlPart.HOST)
    port: int = option(6379, help="Its port.", url=UrlPart.PORT)
    db: str = option(
        "", help="Number of the database.", url=UrlPart.PATH, metavar="NUMBER"
    )
    username: str = option("", help="Who logs in.", url=UrlPart.USERNAME)
    password: str = option("", help="The password.", url=UrlPart.PASSWORD, secret=True)
    tls: bool = option(False, help="Use TLS, as rediss:// does.")
    tls_ca: Path | None = option(None, help="Certificates to trust, as PEM.")
    tls_cert: Path | None = option(None, help="The client's own certificate, as PEM.")
    tls_key: Path | None = option(None, help="Its key, as PEM.")
    tls_verify: bool = option(True, help="Check the server's certificate and name.")
    prefix: str = option("task", help="What the names of all keys begin with.")
    max_bytes: int = option(16 * MIB, help="Longest body.", validator=ge(1))
    connect_timeout: timedelta = option(
        timedelta(seconds=5), help="How long connecting and an answer may take."
    )


def database(options: RedisOptions) -> int:
    """Return the number of the database.

    Raises:
        ValueError: It is none.
    """
    text = options.db.strip("/") or "0"
    if not text.isdecimal():
        raise ValueError(f"the database is a number, not {text!r}")
    return int(text)
