"""Logins: by user, token, nkey or a JWT; a wrong one is told in one line."""

import base64
import subprocess
import sys
import time

import nkeys
import pytest
from brokers import insist
from brokers.nats import Nats
from nats_operator import Operator
from task_bus_nats.login import login
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as manifest

from task_core.api import BusContext, BusError, Message

SECRET = "wrong-secret"
FEW = {"pub": {"deny": ["$JS.API.>"]}}
MEANS = {"over": "TASK_BUS_NATS_PASSWORD", "few": "lists the rights"}
"""Of credentials that are over, or do not allow enough: what is told."""


@pytest.mark.parametrize("login", [{}, {"user": "tester", "password": SECRET}])
def test_a_wrong_login_says_how_to_give_one(told, guarded_options, login):
    """And does not show it."""
    where = {"host": guarded_options.host, "port": guarded_options.port}
    text, again = told(**where, tls_ca=guarded_options.tls_ca, **login)
    assert "the login is missing or wrong: give user and password" in text
    assert "TASK_BUS_NATS_PASSWORD" in text
    assert not again


def test_a_token_logs_in(server_with, told):
    """The right one."""
    where = server_with(options={"authorization": {"token": "s3cret"}})
    bus = manifest.open(NatsOptions(**where, token="s3cret"), BusContext())
    bus.ping()
    bus.close()
    assert "TASK_BUS_NATS_PASSWORD" in told(**where, token=SECRET)[0]


def test_credentials_are_a_jwt_and_a_signature_of_what_the_server_says(tmp_path):
    """The seed in the file signs, and stays here."""
    seed = nkeys.encode_seed(b"x" * 32, nkeys.PREFIX_BYTE_USER)
    file = tmp_path / "worker.creds"
    file.write_text(
        "-----BEGIN NATS USER JWT-----\ne30.e30.e30\n------END NATS USER JWT------\n\n"
        "*** IMPORTANT: keep it secret ***\n\n-----BEGIN USER NKEY SEED-----\n"
        f"{seed.decode()}\n------END USER NKEY SEED------\n"
    )
    told = login(NatsOptions(credentials=file), "nonce")
    assert told.keys() == {"jwt", "sig"}
    assert told["jwt"] == "e30.e30.e30"
    signature = base64.urlsafe_b64decode(told["sig"] + "==")
    assert nkeys.from_seed(seed).verify(b"nonce", signature)


def test_credentials_log_in_where_an_operator_decides(server_with, told, tmp_path):
    """By a JWT of its account; one of another account, or that is over, does not."""
    operator = Operator()
    where = server_with(options=operator.settings())
    file = operator.credentials(tmp_path / "worker.creds")
    bus = manifest.open(NatsOptions(**where, credentials=file), BusContext())
    bus.producer().send([Message("t", b"1")])
    (one,) = bus.subscribe("t", "c").receive(1, 10)
    assert one.body == b"1"
    bus.close()
    for name, rights in {"over": {"exp": 1}, "few": FEW}.items():
        file = operator.credentials(tmp_path / name, **rights)
        text, again = told(**where, credentials=file)
        assert MEANS[name] in text
        assert not again
    file = Operator(b"other").credentials(tmp_path / "other")
    assert "TASK_BUS_NATS_PASSWORD" in told(**where, credentials=file)[0]


def test_credentials_that_were_renewed_go_on_when_the_login_is_over(
    start, open_at, tmp_path
):
    """A connection ends with the JWT that it began with; the next one has the new."""
    operator = Operator()
    server = start(Nats, options=operator.settings())
    file, buses = tmp_path / "worker.creds", []

    def begins():
        operator.credentials(file, exp=int(time.time()) + 2)
        buses.append(open_at(server, credentials=file))
        buses[-1].ping()
        operator.credentials(file, exp=int(time.time()) + 3600)
        return True

    insist.until(begins, BusError)  # on a busy machine it may be over before
    bus, link = buses[-1], buses[-1]._link
    consumer = insist.again(lambda: bus.subscribe("t", "c"))
    insist.until(
        lambda: insist.again(lambda: consumer.receive(1, 1)) or link.number > 1
    )
    bus.producer().send([Message("t", b"1")])
    assert [one.body for one in consumer.receive(1, 10)] == [b"1"]


def test_an_nkey_logs_in(server_with, told, tmp_path):
    """Its seed never leaves this machine."""
    files = [tmp_path / "known", tmp_path / "stranger"]
    publics = []
    for file in files:
        seed = nkeys.encode_seed(file.name.ljust(32).encode(), nkeys.PREFIX_BYTE_USER)
        file.write_bytes(seed + b"\n")
        publics.append(nkeys.from_seed(seed).public_key.decode())
    where = server_with(options={"authorization": {"users": [{"nkey": publics[0]}]}})
    bus = manifest.open(NatsOptions(**where, nkey=files[0]), BusContext())
    bus.ping()
    bus.close()
    assert "TASK_BUS_NATS_PASSWORD" in told(**where, nkey=files[1])[0]


def test_a_user_without_a_password_is_a_token_and_is_hidden():
    """`nats://TOKEN@HOST` is how NATS writes it."""
    assert login(NatsOptions(user="t0ken"), "")["auth_token"] == "t0ken"
    assert "auth_token" not in login(NatsOptions(user="ada", password="p"), "")
    shown = subprocess.run(
        [
            sys.executable,
            "-m",
            "task_core",
            "config",
            "show",
            "--bus",
            "nats://t0ken@h",
        ],
        capture_output=True,
        check=True,
    )
    assert b"bus.nats.user" in shown.stdout
    assert b"t0ken" not in shown.stdout + shown.stderr
