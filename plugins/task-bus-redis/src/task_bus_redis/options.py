"""The options of the bus: beside the manifest, below everything else."""

from datetime import timedelta
from pathlib import Path

import attrs
from attrs.validators import ge, in_

from task_core.api import UrlPart, more_than_nothing, option

MIB = 1024 * 1024
SENTINEL = 26379
"""The port of sentinels that are named without one."""


@attrs.frozen(kw_only=True, eq=False)
class RedisOptions:
    """Options of the bus `redis`."""

    host: str = option("localhost", help="Where the server is.", url=UrlPart.HOST)
    port: int = option(
        6379, help="Its port.", url=UrlPart.PORT, validator=in_(range(1, 65536))
    )
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
    sentinel: tuple[str, ...] = option(
        (), help="Sentinels to ask for the server.", metavar="HOST:PORT"
    )
    sentinel_name: str = option("mymaster", help="Name of the server there.")
    sentinel_password: str = option("", help="Password of sentinels.", secret=True)
    prefix: str = option("task", help="What the names of all keys begin with.")
    max_bytes: int = option(16 * MIB, help="Longest body.", validator=ge(1))
    connect_timeout: timedelta = option(
        timedelta(seconds=5),
        help="How long connecting and an answer may take.",
        validator=more_than_nothing,
    )


def database(text: str) -> int:
    """Return the number of the database: of option `db`, or of a URL's path.

    Raises:
        ValueError: It is none.
    """
    number = text.strip("/") or "0"
    if not number.isdecimal():
        raise ValueError(f"the database is a number, not {number!r}")
    return int(number)
