"""The options of the bus: beside the manifest, below everything else."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
from attrs.validators import ge, in_

from task_core.api import UrlPart, more_than_nothing, option

MIB = 1024 * 1024
PREFIX = re.compile(r"[A-Za-z0-9-]{1,24}")


def _is_prefix(_: Any, attribute: Any, value: str) -> None:
    if not PREFIX.fullmatch(value):
        raise ValueError(
            f"'{attribute.name}' must be up to 24 letters, digits and -, not {value!r}"
        )


@attrs.frozen(kw_only=True, eq=False)
class NatsOptions:
    """Options of the bus `nats`."""

    host: str = option(
        "localhost",
        help="Where the server is; of a cluster several, with commas in between.",
        url=UrlPart.HOST,
        metavar="HOST[:PORT],…",
    )
    port: int = option(
        4222, help="Its port.", url=UrlPart.PORT, validator=in_(range(1, 65536))
    )
    user: str = option(
        "",
        help="Who logs in; without a password it is a token.",
        url=UrlPart.USERNAME,
        secret=True,
    )
    password: str = option("", help="The password.", url=UrlPart.PASSWORD, secret=True)
    token: str = option("", help="A token, in place of user and password.", secret=True)
    credentials: Path | None = option(
        None, help="A .creds file: JWT and seed (needs task-bus-nats[nkeys])."
    )
    nkey: Path | None = option(
        None, help="A file with the seed of an nkey (needs task-bus-nats[nkeys])."
    )
    tls: bool = option(False, help="Insist on TLS; else the server decides.")
    tls_first: bool = option(
        False, help="Begin with TLS, as servers with handshake_first want it."
    )
    tls_ca: Path | None = option(None, help="Certificates to trust, as PEM.")
    tls_cert: Path | None = option(None, help="The client's own certificate, as PEM.")
    tls_key: Path | None = option(None, help="Its key, as PEM.")
    tls_verify: bool = option(True, help="Check the server's certificate and name.")
    domain: str = option("", help="The JetStream domain, where there are several.")
    prefix: str = option(
        "task", help="What the names of all streams begin with.", validator=_is_prefix
    )
    replicas: int = option(
        1, help="Copies of new streams in a cluster.", validator=in_(range(1, 6))
    )
    max_bytes: int = option(
        8 * MIB,
        help="Longest body; the server's own limit counts too.",
        validator=ge(1),
    )
    connect_timeout: timedelta = option(
        timedelta(seconds=5),
        help="How long connecting may take, and a silence before an answer.",
        validator=more_than_nothing,
    )
