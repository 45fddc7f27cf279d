"""The servers that conversations are had with."""

from contextlib import ExitStack, contextmanager

from brokers.auth import AuthServer
from brokers.nsq import Nsqd, NsqLookupd
from brokers.tests.raw import http
from brokers.tls import Certificate

SMALL = (
    "--max-msg-size=100",
    "--max-body-size=300",
    "--max-rdy-count=10",
    "--max-req-timeout=10s",
    "--max-msg-timeout=20s",
    "--msg-timeout=15s",
    "--max-channel-consumers=2",
)


class StrictNsqd(Nsqd):
    """One that may refuse every request by HTTP, and be up all the same."""

    def answers(self):
        return http(self.http, "GET", "/ping")[0] in {200, 403}


@contextmanager
def running(profile, folder):
    """Yield a server of this profile, and the certificate that it shows if any."""
    with ExitStack() as stack:
        tls = auth = None
        if profile in {"tls", "optional", "mutual"}:
            tls = Certificate.make(folder)
        if profile == "auth":
            auth = AuthServer("s3cret")
            stack.callback(auth.close)
        if profile == "lookupd":
            yield stack.enter_context(NsqLookupd()), None
            return
        options = {
            "small": SMALL,
            "tls": ("--tls-required",),
            "mutual": (
                "--tls-client-auth-policy=require-verify",
                f"--tls-root-ca-file={folder}/certificate.pem",
            ),
        }.get(profile, ())
        nsqd = StrictNsqd(tls=tls, auth=auth, options=options)
        yield stack.enter_context(nsqd), tls.certificate if tls else None
