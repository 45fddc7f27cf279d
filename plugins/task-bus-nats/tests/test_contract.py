"""The bus keeps the contract: on a plain server, and over TLS with a login."""

import attrs
import pytest
from brokers.ports import split
from nats_backdoor import NatsBackdoor
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as manifest
from task_testing import BusContract

WRONG = "wrong-secret"


class TestNats(BusContract):
    @pytest.fixture
    def plugin(self):
        return manifest

    @pytest.fixture
    def options(self, nats):
        host, port = split(nats.address)
        return NatsOptions(host=host, port=port)

    @pytest.fixture
    def backdoor(self, nats, guarded, guarded_options):
        wrong = attrs.evolve(guarded_options, password=WRONG)
        return NatsBackdoor(nats, NatsOptions(), (wrong, WRONG))


class TestNatsOverTls(BusContract):
    label = "tls"

    @pytest.fixture
    def plugin(self):
        return manifest

    @pytest.fixture
    def options(self, guarded_options):
        return attrs.evolve(guarded_options, prefix="kit")

    @pytest.fixture
    def backdoor(self, guarded, options):
        wrong = attrs.evolve(options, password=WRONG)
        return NatsBackdoor(guarded, options, (wrong, WRONG))
