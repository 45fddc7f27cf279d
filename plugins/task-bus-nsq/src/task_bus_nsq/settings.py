"""What the options mean: checked, with addresses and seconds."""

import ssl
from datetime import timedelta

import attrs

from task_bus_nsq.names import Address, addresses
from task_bus_nsq.options import NsqOptions
from task_core.api import OptionError

NSQD_PORT, NSQD_HTTP_PORT, LOOKUPD_PORT = 4150, 4151, 4161
BY_HTTP = "http", "https"


@attrs.define(eq=False)
class Login:
    """What is shown to nsqds that ask for it.

    Args:
        secret: For AUTH.
        worked: Whether one of them has taken it: then it is right, and who asks
            again and is refused has met an auth server that is away.
    """

    secret: str = attrs.field(repr=False)
    worked: bool = False


@attrs.frozen(kw_only=True, eq=False)
class Settings:
    """Checked options.

    Args:
        nsqd: Where to send to, and to read from; empty when nsqlookupds tell.
        lookupd: Where nsqlookupds answer, by HTTP.
        http: Where nsqds answer, by HTTP; empty when nsqlookupds tell.
        tls: How to speak TLS, or None.
        login: What is shown to those that ask for it.
        lease: Seconds until an unsettled message comes again.
        heartbeat: Seconds between two signs of life of an nsqd.
        lookup_interval, connect_timeout, answer_timeout, requeue_delay,
            max_req_timeout: Seconds.
        max_attempts: Drop what was handed out more often; 0 drops nothing.
        max_msg_size: Bytes.
    """

    nsqd: tuple[Address, ...]
    lookupd: tuple[Address, ...]
    http: tuple[Address, ...]
    tls: ssl.SSLContext | None
    login: Login
    lease: float
    heartbeat: float
    lookup_interval: float
    connect_timeout: float
    answer_timeout: float
    requeue_delay: float
    max_req_timeout: float
    max_attempts: int
    max_msg_size: int


def make_settings(options: NsqOptions, lease: float) -> Settings:
    """Check the options.

    Args:
        options: As given.
        lease: Seconds, when the options name no message timeout.

    Raises:
        OptionError: One of them is wrong.
    """
    lookupd = addresses("lookupd", options.lookupd, LOOKUPD_PORT, BY_HTTP)
    nsqd = addresses("nsqd", options.nsqd, NSQD_PORT)
    if not nsqd and not lookupd:
        nsqd = (Address("localhost", NSQD_PORT),)
    if options.msg_timeout is not None:  # a launcher renews at a third of its lease
        lease = _seconds("msg_timeout", options.msg_timeout, max(1.0, lease))
    return Settings(
        nsqd=nsqd,
        lookupd=lookupd,
        http=_http(options, () if lookupd else nsqd),
        tls=_tls(options),
        login=Login(options.auth_secret),
        lease=max(1.0, lease),  # an nsqd takes no less
        heartbeat=_seconds("heartbeat", options.heartbeat, 1.0),
        lookup_interval=_seconds("lookup_interval", options.lookup_interval, 0.1),
        connect_timeout=_seconds("connect_timeout", options.connect_timeout, 0.001),
        answer_timeout=_seconds("answer_timeout", options.answer_timeout, 0.001),
        requeue_delay=_seconds("requeue_delay", options.requeue_delay, 0.0),
        max_req_timeout=_seconds("max_req_timeout", options.max_req_timeout, 0.0),
        max_attempts=options.max_attempts,
        max_msg_size=options.max_msg_size,
    )


def _http(options: NsqOptions, nsqd: tuple[Address, ...]) -> tuple[Address, ...]:
    if options.http:
        return addresses("http", options.http, NSQD_HTTP_PORT, BY_HTTP)
    return tuple(Address(it.host, it.port + 1) for it in nsqd)


def _seconds(key: str, value: timedelta, least: float) -> float:
    seconds = value.total_seconds()
    if seconds < least:
        raise OptionError(
            [f"bus 'nsq': {key}: at least {least:g} s, not {seconds:g} s"]
        )
    return seconds


def _tls(options: NsqOptions) -> ssl.SSLContext | None:
    if not options.tls:
        files = (options.tls_ca, options.tls_cert, options.tls_key)
        if options.tls_insecure or any(files):
            raise OptionError(["bus 'nsq': tls: switch it on, or leave out the tls_*"])
        return None
    if options.tls_key and not options.tls_cert:
        raise OptionError(["bus 'nsq': tls_key: name its certificate, too: tls_cert"])
    try:
        context = ssl.create_default_context(cafile=options.tls_ca)
        if options.tls_cert:
            # without a password OpenSSL would ask for it at the terminal
            context.load_cert_chain(options.tls_cert, options.tls_key, password="")
    except OSError as error:  # an SSLError is one
        names = ", ".join(
            str(file)
            for file in (options.tls_ca, options.tls_cert, options.tls_key)
            if file
        )
        reason = error.strerror or error
        if isinstance(error, ssl.SSLError):
            reason = f"{reason}; they are PEM, and a key has no password"
        raise OptionError([f"bus 'nsq': tls: cannot use {names}: {reason}"]) from error
    if options.tls_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
