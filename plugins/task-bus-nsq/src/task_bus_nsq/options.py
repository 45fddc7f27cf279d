"""The options: beside the manifest, below everything else."""

from datetime import timedelta
from pathlib import Path

import attrs

from task_core.api import UrlPart, option


@attrs.frozen(kw_only=True, eq=False)
class NsqOptions:
    """Options of the bus `nsq`."""

    nsqd: tuple[str, ...] = option(
        (),
        help="nsqds to read from and to send to; localhost:4150 when neither these nor"
        " lookupds are given.",
        url=UrlPart.AUTHORITY,
        metavar="HOST:PORT",
    )
    lookupd: tuple[str, ...] = option(
        (),
        help="HTTP addresses of nsqlookupds, which know the nsqds that hold a topic.",
        metavar="HOST:PORT",
    )
    lookup_interval: timedelta = option(
        timedelta(seconds=30), help="How often to ask the nsqlookupds."
    )
    http: tuple[str, ...] = option(
        (),
        help="HTTP addresses of the nsqds, for depths and topics, https:// before them"
        " where they want TLS; their port plus one when not given.",
        metavar="HOST:PORT",
    )
    tls: bool = option(False, help="Speak TLS, and verify who answers.")
    tls_ca: Path | None = option(
        None, help="Certificates of who may vouch for an nsqd; the system's by default."
    )
    tls_cert: Path | None = option(None, help="Own certificate, as PEM.")
    tls_key: Path | None = option(
        None, help="Its key, when that is in a file of its own."
    )
    tls_insecure: bool = option(
        False, help="Believe any certificate. For tests, and nothing else."
    )
    auth_secret: str = option(
        "", help="Secret for nsqds that ask for one.", secret=True
    )
    msg_timeout: timedelta | None = option(
        None,
        help="When unsettled messages come again: the launcher's lease, or this, which"
        " is longer.",
    )
    max_attempts: int = option(
        0,
        help="Drop messages that were handed out more often; 0 drops none, as the"
        " launcher keeps dead letters.",
        validator=attrs.validators.ge(0),
    )
    requeue_delay: timedelta = option(
        timedelta(0), help="When what is given back comes again, if nobody says when."
    )
    max_msg_size: int = option(
        1_048_576,
        help="The nsqds' own --max-msg-size, in bytes.",
        validator=attrs.validators.ge(1),
    )
    max_req_timeout: timedelta = option(
        timedelta(hours=1),
        help="The nsqds' own --max-req-timeout: longer delays are shortened to it.",
    )
    connect_timeout: timedelta = option(
        timedelta(seconds=5), help="How long to wait for a connection."
    )
    answer_timeout: timedelta = option(
        timedelta(seconds=10), help="How long to wait for the answer to a message."
    )
    heartbeat: timedelta = option(
        timedelta(seconds=60),
        help="How often an nsqd shows a reader that it is alive; at most its own"
        " --max-heartbeat-interval.",
    )
