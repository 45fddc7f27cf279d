"""Kafka is installed once, starts soon, and does what the tests of plugins need."""

import os
import socket
import ssl
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from brokers.cache import cache_folder
from brokers.kafka import CLASSES, DATA, LEARNED, Kafka
from brokers.kafka_jars import CACHED, POM, check, install
from brokers.ports import split
from brokers.process import BrokerMissingError
from brokers.tls import Certificate

MAVEN = """#!/bin/sh
echo fetched >> "$(dirname "$0")/fetches"
sleep 0.3
for word; do
    case "$word" in
        -DoutputDirectory=*) mkdir -p "${word#*=}" && : > "${word#*=}/kafka.jar" ;;
    esac
done
"""
HANDSHAKE, AUTHENTICATE = 17, 36


def ask(connection, key, version, body):
    head = struct.pack(">hhih", key, version, 1, -1)
    connection.sendall(struct.pack(">i", len(head + body)) + head + body)
    size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
    return connection.recv(size, socket.MSG_WAITALL)[4:]


def log_in(kafka, password):
    """Return the error code of a login; 0 is none."""
    with socket.create_connection(split(kafka.sasl), timeout=5) as connection:
        ask(connection, HANDSHAKE, 1, struct.pack(">h", 5) + b"PLAIN")
        secret = f"\0{kafka.user}\0{password}".encode()
        answer = ask(
            connection, AUTHENTICATE, 0, struct.pack(">i", len(secret)) + secret
        )
        return struct.unpack(">h", answer[:2])[0]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    certificate = Certificate.make(tmp_path_factory.mktemp("kafka"))
    with Kafka(tls=certificate) as broker:
        broker.certificate = certificate
        yield broker


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """A folder that is the PATH, with a Maven that fetches nothing."""
    for name, text in (("mvn", MAVEN), ("java", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("TASK_BROKER_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_login_is_accepted_with_the_password_alone(kafka):
    assert log_in(kafka, kafka.password) == 0
    assert log_in(kafka, "wrong") == 58


def test_tls_is_verified_by_the_certificate_that_was_made(kafka):
    context = ssl.create_default_context(cafile=kafka.certificate.certificate)
    with (
        socket.create_connection(split(kafka.tls), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname="127.0.0.1") as safe,
    ):
        assert safe.version() == "TLSv1.3"


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_restarted_kafka_answers_and_has_its_data(kafka, way):
    marker = next(kafka.folder.rglob("meta.properties"))
    before = marker.stat().st_mtime_ns, kafka.bootstrap
    getattr(kafka, way)()
    kafka.start()
    assert kafka.answers()
    assert (marker.stat().st_mtime_ns, kafka.bootstrap) == before


def test_brokers_begin_with_what_the_first_one_has_left(kafka):
    """Formatted data, and Java's own notes of classes, which it takes as they are."""
    left = cache_folder() / LEARNED
    marker = next(kafka.folder.rglob("meta.properties"))
    assert marker.read_text() == (left / DATA / marker.name).read_text()
    assert f"-XX:SharedArchiveFile={left / CLASSES}" in kafka.command()
    assert (left / CLASSES).stat().st_size > 1_000_000
    assert "cds" not in kafka.log.read_text()


def test_a_wrong_property_is_shown_when_it_does_not_start():
    with (
        pytest.raises(Exception, match="process.roles") as info,
        Kafka(properties={"process.roles": "cook"}),
    ):
        pass
    assert "Kafka" in str(info.value)


def test_two_runs_fetch_once(fake):
    script = "from brokers.kafka_jars import install; print(install())"
    contrib = str(Path(__file__).parent.parent.parent)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": contrib},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [run.communicate(timeout=30)[0].strip() for run in runs]
    assert told == [str(fake / "cache" / CACHED)] * 2
    assert (fake / "fetches").read_text() == "fetched\n"


def test_what_another_pom_fetched_is_fetched_anew(fake):
    folder = install()
    (folder / POM.name).write_text("older")
    (folder / "old.jar").touch()
    install()
    assert sorted(it.name for it in folder.iterdir()) == ["kafka.jar", "pom.xml"]


def test_a_fetch_that_fails_shows_mavens_words_and_counts_as_none(fake):
    (fake / "mvn").write_text("#!/bin/sh\necho 'no route to host'\nexit 1\n")
    with pytest.raises(BrokerMissingError, match="no route to host"):
        install()
    (fake / "mvn").write_text(MAVEN)
    assert (install() / "kafka.jar").exists()


@pytest.mark.parametrize(("program", "name"), [("java", "Java 17"), ("mvn", "Maven")])
def test_a_missing_program_is_named(fake, monkeypatch, program, name):
    monkeypatch.setenv("PATH", str(fake))
    (fake / program).unlink()
    with pytest.raises(BrokerMissingError, match=name) as info:
        check()
    assert "TASK_TEST_KAFKA=host:9092" in str(info.value)


def test_maven_is_not_needed_for_what_is_cached(fake, monkeypatch):
    install()
    monkeypatch.setenv("PATH", str(fake))
    (fake / "mvn").unlink()
    check()
