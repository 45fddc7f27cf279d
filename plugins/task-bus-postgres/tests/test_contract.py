"""The bus keeps the contract: on a plain server, and over TLS with a login."""

from contextlib import closing

import pytest
from brokers.ports import split
from postgres_backdoor import PostgresBackdoor
from task_bus_postgres.options import PostgresOptions, SslMode
from task_bus_postgres.plugin import postgres as plain
from task_testing import BusContract


class TestPostgres(BusContract):
    @pytest.fixture
    def plugin(self):
        return plain

    @pytest.fixture
    def options(self, make_options):
        return make_options(sslmode=SslMode.DISABLE)

    @pytest.fixture
    def backdoor(self, server):
        with closing(PostgresBackdoor(server)) as backdoor:
            yield backdoor


class TestPostgresOverTls(BusContract):
    label = "tls"

    @pytest.fixture
    def plugin(self):
        return plain

    @pytest.fixture
    def options(self, server, certificate):
        host, port = split(server.address)
        return PostgresOptions(
            host=host,
            port=port,
            user=server.user,
            password=server.password,
            dbname="postgres",
            sslmode=SslMode.VERIFY_FULL,
            sslrootcert=certificate.certificate,
            schema="kit",
        )

    @pytest.fixture
    def backdoor(self, server):
        with closing(PostgresBackdoor(server, "kit")) as backdoor:
            yield backdoor
