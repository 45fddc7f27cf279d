"""Keys, headers, errors and options, without a broker."""

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
from kafka import errors as kafka_errors
from kafka.producer.transaction_manager import TransactionalRequestResult
from task_bus_kafka import plugin, python_writer
from task_bus_kafka.confluent_errors import translate
from task_bus_kafka.errors import Errors, may_pass
from task_bus_kafka.headers import pack, unpack
from task_bus_kafka.keys import key_of
from task_bus_kafka.options import Client, KafkaOptions, Key, Security
from task_bus_kafka.progress import Progress
from task_bus_kafka.records import Outgoing
from task_bus_kafka.settings import Settings

from task_core.api import (
    BusConnectionError,
    BusContext,
    BusError,
    Message,
    OptionError,
    PayloadError,
)

TASK = b'{"type":"load","job":"orders","info":"a"}'
LOGIN = KafkaOptions(
    bootstrap=("a:1", "b:2"), sasl_username="ada", sasl_password="s3cret"
)


@pytest.mark.parametrize(
    ("key", "body", "expected"),
    [
        (Key.JOB, TASK, b"orders"),
        (Key.TYPE, TASK, b"load"),
        (Key.NONE, TASK, None),
        (Key.JOB, b'{"type":"load","info":""}', None),
        (Key.JOB, b"no task", None),
        (Key.TYPE, b'{"type":3}', None),
    ],
)
def test_the_key_is_the_part_of_the_task_that_was_asked_for(key, body, expected):
    assert key_of(body, key) == expected


def test_headers_come_back_as_they_were_and_the_due_time_is_ours():
    headers, wait = unpack(pack({"trace": "ü"}, 5.0))
    assert headers == {"trace": "ü"}
    assert 4.5 < wait < 5.01
    assert unpack(pack({}, 0)) == (None, 0.0)


@pytest.mark.parametrize("text", [b"9" * 400, b"9" * 5_000, b"-1", b"soon"])
def test_a_due_time_that_is_none_is_a_header_like_others(text):
    assert unpack([("task-due", text)]) == ({"task-due": text.decode()}, 0.0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (kafka_errors.KafkaTimeoutError("Unable to bootstrap"), BusConnectionError),
        (kafka_errors.NotLeaderForPartitionError("x"), BusConnectionError),
        (ConnectionResetError("x"), BusConnectionError),
        (kafka_errors.MessageSizeTooLargeError("x"), PayloadError),
        (kafka_errors.TopicAuthorizationFailedError("x"), BusError),
        (kafka_errors.InvalidSessionTimeoutError("x"), BusError),
        (kafka_errors.SaslAuthenticationFailedError("ada s3cret"), BusError),
    ],
)
def test_an_error_names_the_addresses_and_no_secret(error, kind):
    told = Errors(LOGIN).of(error, "send")
    assert type(told) is kind
    assert "a:1,b:2" in str(told)
    assert "s3cret" not in str(told)
    assert "\n" not in str(told)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (kafka_errors.RebalanceInProgressError(), True),
        (kafka_errors.ProducerFencedError(), True),
        (kafka_errors.RequestTimedOutError(), True),
        (kafka_errors.TopicAuthorizationFailedError(), False),
        (kafka_errors.MessageSizeTooLargeError(), False),
    ],
)
def test_who_was_overtaken_by_the_group_or_a_timeout_may_try_again(error, expected):
    assert may_pass(error) is expected


class Mute:
    """A producer of transactions whose broker never answers."""

    def __init__(self, **settings):
        self.ended = []
        self._accumulator = SimpleNamespace(_batches={})
        self._sender = SimpleNamespace(
            wakeup=lambda: None, force_close=lambda: self.ended.append(True)
        )
        results = ("begin_commit", "begin_abort", "send_offsets_to_transaction")
        self._transaction_manager = SimpleNamespace(
            **{name: lambda *given: TransactionalRequestResult() for name in results}
        )

    def init_transactions(self):
        pass

    begin_transaction = init_transactions

    def close(self, timeout):
        raise kafka_errors.KafkaTimeoutError("messages are on their way")

    def __getattr__(self, name):
        return lambda *given: threading.Event().wait()  # as the library does


def test_a_transaction_ends_in_time_when_no_answer_comes(monkeypatch):
    settings = Settings(KafkaOptions(), 30.0)
    monkeypatch.setattr(
        python_writer, "connected", lambda kind, given: (Mute(**given), None)
    )
    writer = python_writer.PythonWriter(settings.producer("name"), 1.0, -0.9)
    with pytest.raises(kafka_errors.KafkaTimeoutError):
        writer.transact([], "topic", {0: Progress(1, 1)}, None)
    writer.close()
    assert writer._producer.ended


class Forgetful(Mute):
    """A producer that never says what became of some messages, and takes no more."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.now, self.calls, self.takes = 0.0, 0, 3

    def send(self, *given):
        self.calls += 1
        if self.calls > self.takes:
            self.now += 10
            raise kafka_errors.KafkaTimeoutError("Failed to update metadata")
        return SimpleNamespace(get=self._wait)

    def _wait(self, seconds):
        self.now += seconds
        raise kafka_errors.KafkaTimeoutError("Timeout after waiting")


@pytest.fixture
def forgetful(monkeypatch):
    """Return a writer whose library is so."""
    monkeypatch.setattr(
        python_writer, "connected", lambda kind, given: (Forgetful(**given), None)
    )
    writer = python_writer.PythonWriter(Settings(KafkaOptions(), 30.0).producer(), 1, 5)
    monkeypatch.setattr(python_writer, "monotonic", lambda: writer._producer.now)
    return writer


def outgoing(count):
    return [Outgoing("t", b"x" * 100, None, 0, []) for _ in range(count)]


def test_a_batch_that_the_library_forgets_is_given_up_once_and_not_once_a_message(
    forgetful,
):
    outcomes = forgetful.send(outgoing(3))
    assert [type(error) for error in outcomes] == [kafka_errors.KafkaTimeoutError] * 3
    assert forgetful._producer.now == 6  # a second more than the library has


def test_what_follows_a_message_that_finds_no_broker_does_not_look_for_one(forgetful):
    forgetful._producer.takes = 0
    assert all(forgetful.send(outgoing(3)))
    assert (forgetful._producer.calls, forgetful._producer.now) == (1, 10)


def test_what_follows_a_part_that_got_no_word_is_not_tried(forgetful):
    forgetful.largest = 200  # one message at a time
    assert all(forgetful.send(outgoing(3)))
    assert forgetful._producer.calls == 1


@pytest.mark.parametrize(("seconds", "text"), [(2.04, "2s"), (120, "120s")])
def test_how_long_brokers_have_been_silent_is_told(seconds, text):
    error = Errors(LOGIN).unreachable(seconds)
    assert f"no broker answers at a:1,b:2 (tried for {text})" in str(error)


def test_errors_of_librdkafka_become_those_that_the_bus_understands():
    confluent = pytest.importorskip("confluent_kafka")
    kinds = {
        confluent.KafkaError._AUTHENTICATION: (
            kafka_errors.SaslAuthenticationFailedError
        ),
        confluent.KafkaError._MSG_TIMED_OUT: kafka_errors.KafkaTimeoutError,
        confluent.KafkaError._TRANSPORT: kafka_errors.KafkaConnectionError,
        confluent.KafkaError.MSG_SIZE_TOO_LARGE: (
            kafka_errors.MessageSizeTooLargeError
        ),
    }
    found = {code: type(translate(confluent.KafkaError(code))) for code in kinds}
    assert found == kinds


def test_a_setting_that_the_library_does_not_know_is_refused_at_once():
    options = KafkaOptions(settings=("linger_ms=5", "colour=blue"))
    with pytest.raises(OptionError, match="knows no setting 'colour'"):
        plugin.kafka.open(options, BusContext())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sasl_username": "ada"}, "sasl_username does nothing when"),
        ({"sasl_mechanism": "PLAIN"}, "sasl_mechanism does nothing when"),
        ({"sasl_password": "s3cret"}, "sasl_password does nothing when"),
        ({"ssl_cafile": Path(__file__)}, "ssl_cafile does nothing when"),
        (
            {"security_protocol": Security.SASL_SSL, "sasl_username": "ada"},
            "SASL_SSL needs sasl_mechanism",
        ),
        (
            {"security_protocol": Security.SSL, "ssl_cafile": Path("/no/such.pem")},
            "ssl_cafile: cannot use /no/such.pem: No such file",
        ),
        (
            {"security_protocol": Security.SSL, "ssl_cafile": Path(__file__)},
            "ssl_cafile: cannot use .*: NO_CERTIFICATE_OR_CRL_FOUND",
        ),
        (
            {"security_protocol": Security.SSL, "ssl_keyfile": Path(__file__)},
            "ssl_keyfile: name its certificate",
        ),
        ({"settings": ("enable_auto_commit=true",)}, "'enable_auto_commit' is up to"),
        ({"settings": ("group.id=mine",)}, "'group.id' is up to"),
        ({"settings": ("ssl.key.password=s3cret",)}, "'ssl.key.password' is up to"),
        ({"settings": ("linger_ms=soon",)}, "linger_ms is a number .* not 'soon'"),
        ({"settings": ("linger.ms=5",)}, "no setting 'linger.ms'; its name is linger_"),
    ],
)
def test_what_would_do_nothing_or_harm_is_refused_at_once(given, told):
    with pytest.raises(OptionError, match=told) as caught:
        plugin.kafka.open(KafkaOptions(**given), BusContext())
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("address", ["a:1:2", "a:x", "a:0", "a:65536", "a b", "::1"])
def test_what_is_no_address_is_refused_before_anybody_is_asked(address):
    with pytest.raises(ValueError, match=f"^'{address}' is no HOST:PORT$"):
        KafkaOptions(bootstrap=("localhost", "[::1]:9092", address))


def test_a_setting_of_the_client_that_sends_is_not_taken_from_the_other():
    given = KafkaOptions(client=Client.CONFLUENT, settings=("linger_ms=5",))
    with pytest.raises(OptionError, match="'linger_ms'; confluent's .* linger.ms"):
        plugin.kafka.open(given, BusContext())


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(ValueError, match="sasl_username") as caught:
        KafkaOptions(bootstrap=("ada:s3cret@kafka:9092",))
    assert "s3cret" not in str(caught.value)


def test_without_confluent_the_error_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    for name in [name for name in sys.modules if "task_bus_kafka.confluent" in name]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(OptionError, match=r"pip install 'task-bus-kafka\[confluent\]'"):
        plugin.kafka.open(KafkaOptions(client=Client.CONFLUENT), BusContext())


def test_opening_and_closing_reach_for_no_broker():
    bus = plugin.kafka.open(KafkaOptions(bootstrap=("127.0.0.1:1",)), BusContext())
    bus.producer()
    bus.close()
    bus.close()


def test_what_is_too_long_is_refused_before_anything_is_reached_for():
    options = KafkaOptions(bootstrap=("127.0.0.1:1",), max_bytes=10)
    bus = plugin.kafka.open(options, BusContext())
    with pytest.raises(PayloadError, match="at most 10 bytes"):
        bus.producer().send([Message("t", b"x" * 11)])
    bus.close()


def test_order_and_transactions_are_declared_when_they_are_so():
    plain, told = (
        plugin.kafka.open(KafkaOptions(**given), BusContext()).capabilities
        for given in ({}, {"partitions": 1, "transactions": True})
    )
    assert (plain.ordered, plain.atomic_settle) == (False, False)
    assert (told.ordered, told.atomic_settle) == (True, True)


def test_the_password_is_not_shown():
    assert "s3cret" not in repr(LOGIN)
    assert attrs.fields(KafkaOptions).sasl_password.repr is False


def test_values_of_other_settings_are_not_shown():
    """Some of the libraries' are passwords."""
    given = KafkaOptions(settings=("sasl_oauth_token=s3cret",))
    assert "s3cret" not in repr(given)
