"""A Kafka broker: one node, broker and controller at once."""

import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from brokers.cache import cache_folder, locked
from brokers.ports import free_address, split
from brokers.process import Broker, BrokerError, BrokerMissingError
from brokers.tls import Certificate

POM = Path(__file__).parent / "pom.xml"
VERSION = re.findall(r"<kafka.version>(.*?)</kafka.version>", POM.read_text("utf-8"))[0]
CACHED = f"kafka-{VERSION}"
CLUSTER = "dGFzay1icm9rZXItdGVzdA"
QUICK = [
    *("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
]
"""Start soon and stay small: a broker of tests lives for seconds."""
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
        self._data = self.folder / "data"

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        return _java("kafka.Kafka", str(self._configuration))

    def answers(self) -> bool:
        """Whether it serves clients now."""
        return all(_answers(address) for address in (self.bootstrap, self.sasl))

    def prepare(self) -> None:
        """Install the jars, write the configuration, format the data folder."""
        install()
        self._configuration.write_text(self._settings(), "utf-8")
        if not self._data.exists():
            self._format()

    def _format(self) -> None:
        command = _java(
            *("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER),
            *("--config", str(self._configuration)),
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrokerError(f"Kafka's data folder: {done.stdout}{done.stderr}")

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


def check() -> None:
    """Make sure that Kafka can run here.

    Raises:
        BrokerMissingError: there is no Java, or no Maven for what is not yet here.
    """
    missing = _missing("java", "Java 17")
    if not missing and not _is_complete(cache_folder() / CACHED):
        missing = _missing("mvn", "Maven")
    if missing:
        raise BrokerMissingError(
            f"Kafka needs {missing}: install it, or name a Kafka that runs: "
            "TASK_TEST_KAFKA=host:9092"
        )


def install() -> Path:
    """Fetch Kafka's jars, once for all runs, and return their folder.

    Raises:
        BrokerMissingError: there is no Java or no Maven, or Maven cannot fetch them.
    """
    check()
    with locked(CACHED) as folder:
        if not _is_complete(folder):
            _fetch(folder)
    return folder


def _missing(program: str, name: str) -> str:
    found = shutil.which(program)
    return "" if found else f"{name} ('{program}' is not on PATH)"


def _is_complete(folder: Path) -> bool:
    """Whether this very pom has been installed there."""
    kept = folder / POM.name
    return kept.exists() and kept.read_bytes() == POM.read_bytes()


def _fetch(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    command = [
        *("mvn", "-B", "-q", "-f", str(POM), "dependency:copy-dependencies"),
        *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokerMissingError(f"Maven cannot fetch Kafka {VERSION}:\n{done.stdout}")
    shutil.copy(POM, folder)  # last: it says that all is here


def _java(*arguments: str) -> list[str]:
    return ["java", *QUICK, "-cp", f"{install()}/*", *arguments]


def _answers(address: str) -> bool:
    with socket.create_connection(split(address), timeout=1) as connection:
        connection.sendall(API_VERSIONS)
        return len(connection.recv(4)) == 4
