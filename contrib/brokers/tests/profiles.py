"""The servers that conversations are had with."""

from contextlib import ExitStack, contextmanager

from brokers.auth import AuthServer
from brokers.nsq import Nsqd, NsqLookupd
from brokers.tls import Certificate

SMALL = (
    "--max-msg-size=100",
    "--max-body-size=300",
    "--max-rdy-count=10",
    "--max-req-timeout=10s",
    "--max-msg-timeout=20s",
    "--msg-timeout=15s",
)


@contextmanager
def running(profile, folder):
    """Yield a server of this profile, and the certificate that it shows if any."""
    with ExitStack() as stack:
        tls = auth = None
        if profile in {"tls", "optional"}:
            tls = Certificate.make(folder)
        if profile == "auth":
            auth = AuthServer("s3cret")
            stack.callback(auth.close)
        if profile == "lookupd":
            yield stack.enter_context(NsqLookupd()), None
            return
        options = {
            "small": SMALL,
            "tls": ("--tls-required=tcp-https",),
        }.get(profile, ())
        nsqd = Nsqd(tls=tls, auth=auth, options=options)
        yield stack.enter_context(nsqd), tls.certificate if tls else None
