"""The bus keeps the contract: on a plain nsqd, and over TLS with a login."""

import attrs
import pytest
from nsq_backdoor import NsqBackdoor
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq
from task_testing import BusContract

WRONG = "wrong-secret"
ROOM = ("--mem-queue-size=1000",)


@pytest.fixture(scope="module")
def roomy(nsqd, start_nsqd):
    """An nsqd with memory: what is on temporary channels lives there."""
    return start_nsqd(options=ROOM) if nsqd.ours else nsqd


@pytest.fixture(scope="module")
def guarded(start_nsqd, auth, certificate):
    """The same, with TLS and a login."""
    return start_nsqd(auth=auth, tls=certificate, options=ROOM)


class TestNsq(BusContract):
    @pytest.fixture
    def plugin(self):
        return nsq

    @pytest.fixture
    def options(self, roomy):
        return NsqOptions(nsqd=(roomy.tcp,), http=(roomy.http,))

    @pytest.fixture
    def backdoor(self, roomy, guarded):
        def refusing():
            return NsqOptions(nsqd=(guarded.tcp,), auth_secret=WRONG), WRONG

        return NsqBackdoor(roomy, refusing)


class TestNsqOverTls(BusContract):
    label = "tls"

    @pytest.fixture
    def plugin(self):
        return nsq

    @pytest.fixture
    def options(self, guarded, auth, certificate):
        return NsqOptions(
            nsqd=(guarded.tcp,),
            http=(guarded.http,),
            tls=True,
            tls_ca=certificate.certificate,
            auth_secret=auth.secret,
        )

    @pytest.fixture
    def backdoor(self, guarded, options, auth):
        def refusing():
            return attrs.evolve(options, auth_secret=WRONG), WRONG

        return NsqBackdoor(guarded, refusing, secret=auth.secret)
