"""Brokers that a developer runs: used by tests, never started or stopped by them."""

import json
import os
from abc import ABC, abstractmethod
from http.client import HTTPConnection, HTTPException
from typing import NoReturn
from urllib.parse import urlsplit

from brokers.ports import split
from brokers.process import BrokerError


class NotOursError(BrokerError):
    """A broker that somebody else runs is not ended: `brokers.fixtures` skips then."""


class Given(ABC):
    """A broker that an environment variable names; all that would end it is refused."""

    name: str
    ours = False

    @property
    @abstractmethod
    def implementation(self) -> str:
        """What runs there, with its version where it tells."""

    def start(self) -> None:
        """Trust that it runs."""

    def close(self) -> None:
        """Leave it as it is."""

    def stop(self) -> NoReturn:
        """Refuse: it is not ours."""
        text = f"this {self.name} was named by {self.variable}: not stopped"
        raise NotOursError(text)

    kill = restart = pause = resume = stop

    @property
    def variable(self) -> str:
        """What names it."""
        name = "POSTGRES" if self.name == "PostgreSQL" else self.name.upper()
        return f"TASK_TEST_{name}"


class GivenNsqd(Given):
    """An nsqd at an address."""

    name = "nsqd"

    def __init__(self, tcp: str, http: str) -> None:
        self.tcp, self.http = tcp, http

    @property
    def implementation(self) -> str:
        """What runs there, with its version, as it tells."""
        connection = HTTPConnection(*split(self.http), timeout=5)
        try:
            connection.request("GET", "/info")
            told = json.loads(connection.getresponse().read())
            return f"nsqd {told['version']} at {self.tcp}"
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            raise BrokerError(
                f"TASK_TEST_NSQD={self.tcp}: no nsqd answers HTTP at {self.http} "
                f"({error}); TASK_TEST_NSQD_HTTP=host:port names another place"
            ) from None
        finally:
            connection.close()


class GivenKafka(Given):
    """A Kafka at an address; nobody logs in there, and it speaks no TLS."""

    name = "Kafka"
    sasl = tls = None

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    @property
    def implementation(self) -> str:
        """What runs there, as far as is known."""
        return f"Kafka at {self.bootstrap}"


class GivenAt(Given):
    """A broker of some other kind, at an address.

    Args:
        name: what to call it.
        address: `host:port`.
        url: the same, for clients that want a URL.
    """

    tls = None

    def __init__(self, name: str, address: str, url: str) -> None:
        self.name, self.address, self.url = name, address, url

    @property
    def implementation(self) -> str:
        """What runs there, as far as is known."""
        return f"{self.name} at {self.address}"


def given_nsqd() -> GivenNsqd | None:
    """Return the nsqd that `TASK_TEST_NSQD` names (HTTP: 4151, if not said)."""
    tcp = os.environ.get("TASK_TEST_NSQD")
    if not tcp:
        return None
    http = os.environ.get("TASK_TEST_NSQD_HTTP") or f"{split(tcp)[0]}:4151"
    return GivenNsqd(tcp, http)


def given_kafka() -> GivenKafka | None:
    """Return the Kafka that `TASK_TEST_KAFKA` names."""
    bootstrap = os.environ.get("TASK_TEST_KAFKA")
    return GivenKafka(bootstrap) if bootstrap else None


def given_redis() -> GivenAt | None:
    """Return the Redis that `TASK_TEST_REDIS` names."""
    address = os.environ.get("TASK_TEST_REDIS")
    return GivenAt("Redis", address, f"redis://{address}") if address else None


def given_nats() -> GivenAt | None:
    """Return the NATS that `TASK_TEST_NATS` names."""
    address = os.environ.get("TASK_TEST_NATS")
    return GivenAt("NATS", address, f"nats://{address}") if address else None


def given_postgres() -> GivenAt | None:
    """Return the PostgreSQL that `TASK_TEST_POSTGRES`, a URL, names."""
    url = os.environ.get("TASK_TEST_POSTGRES")
    return GivenAt("PostgreSQL", urlsplit(url).netloc, url) if url else None
