"""The bus keeps the contract: on a plain server, and over TLS with a login."""

import attrs
import pytest
from brokers.ports import split
from redis_backdoor import RedisBackdoor
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis as plain
from task_bus_redis.plugin import rediss
from task_testing import BusContract

WRONG = "wrong-secret"


class TestRedis(BusContract):
    @pytest.fixture
    def plugin(self):
        return plain

    @pytest.fixture
    def options(self, redis):
        host, port = split(redis.address)
        return RedisOptions(host=host, port=port)

    @pytest.fixture
    def backdoor(self, redis, guarded):
        return RedisBackdoor(redis, guarded)


class TestRedisOverTls(BusContract):
    label = "tls"

    @pytest.fixture
    def plugin(self):
        return rediss

    @pytest.fixture
    def options(self, guarded, certificate):
        host, port = split(guarded.tls)
        return RedisOptions(
            host=host,
            port=port,
            username=guarded.user,
            password=guarded.password,
            tls=True,
            tls_ca=certificate.certificate,
            prefix="kit",
        )

    @pytest.fixture
    def backdoor(self, guarded, options):
        wrong = attrs.evolve(options, password=WRONG)
        return RedisBackdoor(guarded, guarded, options.prefix, lambda: (wrong, WRONG))
