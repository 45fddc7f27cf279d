"""Options and names: what is wrong is told before anything is connected."""

import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_bus_nsq.names import Address, addresses, name_problem, nsq_topic, topics_of
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq
from task_bus_nsq.settings import make_settings

from task_core.api import BusContext, BusError, Message, OptionError, PayloadError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a", Address("a", 4150)),
        ("a:1", Address("a", 1)),
        ("[::1]:9", Address("::1", 9)),
        ("[::1]", Address("::1", 4150)),
        ("http://a:1/", Address("a", 1)),
        ("a:1/", Address("a", 1)),
    ],
)
def test_addresses_are_read_with_their_default_port(text, address):
    assert addresses("nsqd", [text, text], 4150) == (address,)


def test_all_wrong_addresses_are_told_at_once():
    with pytest.raises(OptionError) as caught:
        addresses("nsqd", ["a:b", "good:1", "x y", "c:99999", ""], 4150)
    assert len(caught.value.problems) == 4
    assert caught.value.problems[0] == "bus 'nsq': nsqd: 'a:b' is no HOST:PORT"


def test_https_is_for_those_who_are_asked_by_http_alone():
    options = NsqOptions(http=("https://a",), lookupd=("https://b:1",))
    settings = make_settings(options, 30)
    assert settings.http == (Address("a", 4151, "https"),)
    assert settings.lookupd == (Address("b", 1, "https"),)
    with pytest.raises(OptionError, match="https://a"):
        make_settings(NsqOptions(nsqd=("https://a",)), 30)


def test_a_key_with_a_password_is_refused_and_the_password_not_asked_for(
    tmp_path, certificate
):
    key = tmp_path / "key.pem"
    how = ("-aes256", "-passout", "pass:hush", "-in", certificate.key, "-out", key)
    subprocess.run(["openssl", "rsa", *how], check=True, capture_output=True)
    options = NsqOptions(tls=True, tls_cert=certificate.certificate, tls_key=key)
    with pytest.raises(OptionError, match="no password"):
        make_settings(options, 30)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"msg_timeout": timedelta(milliseconds=10)}, "msg_timeout"),
        ({"msg_timeout": timedelta(seconds=29)}, "at least 30 s"),
        ({"heartbeat": timedelta(0)}, "heartbeat"),
        ({"tls_insecure": True}, "tls"),
        ({"tls": True, "tls_ca": "/no/such/file"}, "/no/such/file"),
        ({"tls": True, "tls_key": "k.pem"}, "tls_cert"),
        ({"lookupd": ("::",)}, "lookupd"),
    ],
)
def test_wrong_options_are_refused_when_the_bus_opens(options, word):
    with pytest.raises(OptionError, match=word):
        nsq.open(NsqOptions(**options), BusContext())


def test_localhost_is_used_when_nothing_is_named():
    assert make_settings(NsqOptions(), 30).nsqd == (Address("localhost", 4150),)
    assert make_settings(NsqOptions(lookupd=("a",)), 30).nsqd == ()


def test_http_is_one_port_further_when_it_is_not_named():
    assert make_settings(NsqOptions(nsqd=("a:1",)), 30).http == (Address("a", 2),)


def test_with_nsqlookupds_they_tell_whose_http_to_ask():
    options = NsqOptions(nsqd=("a:1",), lookupd=("x",))
    assert make_settings(options, 30).http == ()


def test_the_lease_is_the_message_timeout_when_that_is_not_given():
    given_ = NsqOptions(msg_timeout=timedelta(seconds=70))
    assert make_settings(NsqOptions(), 30).lease == 30
    assert make_settings(given_, 30).lease == 70
    assert make_settings(NsqOptions(), 0.2).lease == 1.0  # nsqd takes no less


def test_the_secret_is_not_shown():
    options = NsqOptions(auth_secret="hush")
    assert "hush" not in repr(options)
    assert "hush" not in repr(make_settings(options, 30))


@given(st.from_regex(r"[.a-zA-Z0-9_-]{1,64}", fullmatch=True))
def test_names_that_nsq_allows_are_names(name):
    assert not name_problem("topic", name)
    assert not name_problem("topic", f"{name[:54]}#ephemeral")


@given(st.from_regex(r"[.a-zA-Z0-9_-]{1,64}", fullmatch=True), st.booleans())
def test_every_topic_has_a_dead_topic_of_its_own(name, is_ephemeral):
    topic = f"{name[:54]}#ephemeral" if is_ephemeral else name
    dead = nsq_topic(f"{topic}.dead")
    assert not name_problem("topic", dead)
    assert dead.removesuffix("#ephemeral").endswith(".dead")
    assert dead.endswith("#ephemeral") == is_ephemeral
    assert nsq_topic(dead) == dead
    assert topics_of([topic, dead]) == sorted([topic, f"{topic}.dead"])


@pytest.mark.parametrize("name", ["", "a b", "a#b", "x" * 65, "ü", "a\n", "#ephemeral"])
def test_other_names_are_refused_without_any_io(name):
    bus = nsq.open(NsqOptions(nsqd=("127.0.0.1:1",)), BusContext())
    with pytest.raises(BusError, match="topic"):
        bus.subscribe(name, "c")
    with pytest.raises(BusError, match="channel"):
        bus.subscribe("t", name)
    with pytest.raises(PayloadError, match="topic") as caught:
        bus.producer().send([Message("t", b"1"), Message(name, b"1")])
    assert caught.value.refused == (1,)


def test_an_empty_body_is_refused_without_any_io():
    bus = nsq.open(NsqOptions(nsqd=("127.0.0.1:1",)), BusContext())
    with pytest.raises(PayloadError, match="no empty messages") as caught:
        bus.producer().send([Message("t", b"1"), Message("u", b"")])
    assert caught.value.refused == (1,)


def test_the_manifest_imports_no_client():
    code = "import sys, task_bus_nsq.plugin; assert 'nsq' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_client_prints_nothing():
    code = (
        "import task_bus_nsq.client, logging\n"
        "logging.getLogger('nsq').info('chatter')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout + done.stderr == ""
