"""The pytest fixtures and the command: what developers and CI see."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from brokers.ports import free_address, split

CONTRIB = str(Path(__file__).parent.parent.parent)
TEST = "def test_it({0}):\n    assert {0}\n    {1}\n"


@pytest.fixture
def run(tmp_path):
    """Run a test that asks for a fixture, with some environment."""

    def run_pytest(fixture, act="", **environment):
        (tmp_path / "test_it.py").write_text(TEST.format(fixture, act))
        ours = ("TASK_", "BROKERS_REQUIRED")
        known = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        cache = os.environ.get("TASK_BROKER_CACHE")
        known |= {"TASK_BROKER_CACHE": cache} if cache else {}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "brokers.fixtures", "-rs", tmp_path],
            env={**known, "PYTHONPATH": CONTRIB, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    return run_pytest


def test_what_ran_is_told(run):
    status, told = run("two_nsqds")
    assert status == 0, told
    assert re.search(r"^brokers: nsqlookupd .+, nsqd [^,]+$", told, re.MULTILINE)


@pytest.mark.parametrize("fixture", ["redis", "postgres", "nats"])
def test_each_broker_has_a_fixture(run, fixture):
    status, told = run(fixture, f"assert {fixture}.address in {fixture}.url")
    assert status == 0, told
    assert re.search(r"^brokers: \w+ [^,]+$", told, re.MULTILINE) or "1 skipped" in told


def test_a_broker_that_cannot_be_had_is_a_skip_with_its_reason(run):
    status, told = run("nsqd", TASK_NSQ="real", PATH="", NSQD="")
    assert status == 0
    assert "1 skipped" in told
    assert "there is no nsqd: put it on PATH" in told


def test_where_brokers_are_required_it_fails(run):
    status, told = run("nsqd", TASK_NSQ="real", PATH="", NSQD="", BROKERS_REQUIRED="1")
    assert status == 1
    assert "BROKERS_REQUIRED=1, but: TASK_NSQ=real, but there is no nsqd" in told


def test_kafka_without_java_is_a_skip_too(run):
    status, told = run("kafka", PATH="")
    assert status == 0
    assert "Kafka needs Java 17" in told


def test_a_developers_kafka_is_used_and_none_is_started(run):
    status, told = run("kafka", TASK_TEST_KAFKA="127.0.0.1:1", PATH="")
    assert status == 0, told
    assert "brokers: Kafka at 127.0.0.1:1" in told


@pytest.mark.parametrize("act", ["stop", "kill", "restart", "pause"])
def test_a_test_that_would_stop_a_developers_broker_is_skipped(run, act):
    status, told = run("kafka", f"kafka.{act}()", TASK_TEST_KAFKA="127.0.0.1:1")
    assert status == 0, told
    assert "1 skipped" in told
    assert "this Kafka was named by TASK_TEST_KAFKA: not stopped" in told


def test_a_developers_nsqd_that_does_not_answer_is_an_error(run):
    status, told = run("nsqd", TASK_TEST_NSQD=free_address())
    assert status == 1
    assert "no nsqd answers HTTP at 127.0.0.1:4151" in told


def test_tests_of_two_nsqds_are_skipped_where_a_developer_names_one(run):
    status, told = run("two_nsqds", TASK_TEST_NSQD="127.0.0.1:1")
    assert status == 0
    assert "TASK_TEST_NSQD names one nsqd" in told


def test_the_command_tells_addresses_and_runs_until_it_is_interrupted(run):
    with subprocess.Popen(
        [sys.executable, "-m", "brokers", "nsq"],
        env={**os.environ, "PYTHONPATH": CONTRIB},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout.readline().startswith("# nsqd ")
        line = command.stdout.readline()
        settings = dict(re.findall(r"(TASK_TEST_\w+)=(\S+)", line))
        assert command.stderr.readline() == "# running until Ctrl-C\n"
        status, told = run("nsqd", **settings)
        assert status == 0, told
        assert f"at {settings['TASK_TEST_NSQD']}" in told
        socket.create_connection(split(settings["TASK_TEST_NSQD"]), timeout=5).close()
        command.send_signal(signal.SIGINT)
        assert command.wait(20) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(split(settings["TASK_TEST_NSQD"]), timeout=5)


def test_the_command_refuses_what_it_does_not_know():
    done = subprocess.run(
        [sys.executable, "-m", "brokers", "rabbit"],
        env={**os.environ, "PYTHONPATH": CONTRIB},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nsq, kafka, redis, postgres, nats; not rabbit" in done.stderr
