"""A Kafka broker: one node, broker and controller at once."""

import contextlib
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from brokers.cache import locked
from brokers.kafka_jars import CACHED, POM, VERSION, is_of_this_pom, java
from brokers.ports import free_address, split
from brokers.process import Broker, BrokerError
from brokers.tls import Certificate

LEARNED = f"{CACHED}-learned"
CLASSES, DATA = "classes.jsa", "data"
CLUSTER = "dGFzay1icm9rZXItdGVzdA"
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""The smallest request that a broker answers: which versions of requests it knows."""


class Kafka(Broker):
    """Kafka on loopback: `bootstrap` for all, `sasl` for those who log in (PLAIN).

    Args:
        folder: where data and log are kept; else a temporary one.
        properties: settings of the broker that are added or changed.
        partitions: how many partitions a topic has of which nobody says.
        tls: what it shows to clients at `tls`, an address that is else not there.
    """

    name = "Kafka"
    implementation = f"Kafka {VERSION}"
    user, password = "tester", "s3cret-of-kafka"
    """Who may log in at `sasl` (mechanism PLAIN)."""

    def __init__(
        self,
        *,
        folder: Path | str | None = None,
        properties: Mapping[str, object] | None = None,
        partitions: int = 1,
        tls: Certificate | None = None,
    ) -> None:
        super().__init__(folder=folder)
        self.bootstrap = free_address()
        self.sasl = free_address()
        self.tls = free_address() if tls else None
        self._certificate = tls
        self._controller = free_address()
        self._properties = {"num.partitions": partitions, **(properties or {})}
        self._configuration = self.folder / "server.properties"
        self._data = self.folder / DATA

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        return self._command(f"-XX:SharedArchiveFile={_learned() / CLASSES}")

    def answers(self) -> bool:
        """Whether it serves clients now."""
        return all(_answers(address) for address in (self.bootstrap, self.sasl))

    def prepare(self) -> None:
        """Write the configuration, and copy a data folder that is formatted."""
        self._configuration.write_text(self._settings(), "utf-8")
        if not self._data.exists():
            shutil.copytree(_learned() / DATA, self._data)

    def _command(self, option: str) -> list[str]:
        return java("kafka.Kafka", str(self._configuration), options=[option])

    def _settings(self) -> str:
        settings = {
            **_FIXED,
            "controller.quorum.voters": f"1@{self._controller}",
            "listeners": ",".join(self._listeners()),
            "log.dirs": self._data,
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                f'user_{self.user}="{self.password}";'
            ),
            **self._tls_settings(),
            **self._properties,
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    def _listeners(self) -> Iterator[str]:
        yield f"PLAINTEXT://{self.bootstrap}"
        yield f"SASL_PLAINTEXT://{self.sasl}"
        yield f"CONTROLLER://{self._controller}"
        if self.tls:
            yield f"SSL://{self.tls}"

    def _tls_settings(self) -> dict[str, object]:
        if self._certificate is None:
            return {}
        file = self._certificate.together()
        return {"ssl.keystore.type": "PEM", "ssl.keystore.location": file}


_FIXED = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": (
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL"
    ),
    "sasl.enabled.mechanisms": "PLAIN",
    "auto.create.topics.enable": "false",
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 500,
    "group.consumer.min.session.timeout.ms": 500,
    "group.consumer.min.heartbeat.interval.ms": 100,
    "broker.heartbeat.interval.ms": 200,
    "broker.session.timeout.ms": 2000,
}
"""Quick, and small. After a crash a broker waits until its former self is given up.

It looks soon, too, for transactions of those who died: by default every ten seconds.
"""


def _answers(address: str) -> bool:
    with socket.create_connection(split(address), timeout=1) as connection:
        connection.sendall(API_VERSIONS)
        return len(connection.recv(4)) == 4


class _First(Kafka):
    """Formats a data folder, and has Java write down which classes a broker needs.

    Those after it begin with both, and take half the time to start.
    """

    stop_seconds = 120.0

    def command(self) -> list[str]:
        return self._command(f"-XX:ArchiveClassesAtExit={self.folder / CLASSES}")

    def prepare(self) -> None:
        self._configuration.write_text(self._settings(), "utf-8")
        if self._data.exists():
            return
        command = java(
            *("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER),
            *("--config", str(self._configuration)),
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrokerError(f"Kafka's data folder: {done.stdout}{done.stderr}")

    def teach(self, folder: Path) -> None:
        """Run once, and leave in a folder what others begin with."""
        self.prepare()
        shutil.copytree(self._data, folder / DATA)
        self.start()
        self.stop()
        with contextlib.suppress(FileNotFoundError):  # not every Java makes one
            shutil.copy(self.folder / CLASSES, folder)


def _learned() -> Path:
    """Return what a first broker has left here, once for all runs."""
    with locked(LEARNED) as folder:
        if not is_of_this_pom(folder):
            shutil.rmtree(folder, ignore_errors=True)
            first = _First()
            try:
                first.teach(folder)
            finally:
                first.close()
            shutil.copy(POM, folder)  # last: it says that all is here
    return folder
