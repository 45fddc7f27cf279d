"""What the client libraries say -> one clear line of the bus."""

import logging

from kafka import errors as kafka_errors  # type: ignore[import-untyped]

from task_bus_kafka.options import KafkaOptions, Security
from task_core.api import BusConnectionError, BusError, PayloadError

LOGIN = (  # refused, and no second try helps
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.IllegalSaslStateError,
)
_REFUSED = (  # this message, whenever it is sent
    kafka_errors.InvalidRecordError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
)

_OVERTAKEN = (  # the group or the transaction has gone on: the next try is another one
    kafka_errors.CommitFailedError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.InvalidProducerEpochError,
    kafka_errors.ProducerFencedError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.UnknownMemberIdError,
)

_AWAY = (
    kafka_errors.RetriableError,
    kafka_errors.UnknownBrokerIdError,  # a partition has no leader
    OSError,
    TimeoutError,
)


class Errors:
    """Words the errors of one bus: with addresses, without secrets.

    Args:
        options: Tell the addresses and the login.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self._where = ",".join(options.bootstrap)
        self._user = options.sasl_username
        self._secret = options.sasl_password
        self._tls = options.security_protocol in (Security.SSL, Security.SASL_SSL)
        self._patience = options.connect_timeout.total_seconds()

    def unreachable(self, seconds: float) -> BusConnectionError:
        """Return the error for brokers that gave no sign of life for so long."""
        tls = ""
        if self._tls:
            tls = " Does it speak TLS there, and does ssl_cafile vouch for it?"
        return BusConnectionError(
            f"bus 'kafka': no broker answers at {self._where} (tried for"
            f" {round(seconds, 1):g}s); is it running, and is the address right?{tls}"
        )

    def of(self, error: BaseException, what: str = "") -> BusError:
        """Return the error to raise in place of one of a client library.

        Args:
            error: The library's.
            what: What was tried, for the message.
        """
        if isinstance(error, BusError):
            return error
        if isinstance(error, LOGIN):
            return BusError(
                f"bus 'kafka': {self._where} refused the login of"
                f" '{self._user or 'nobody'}'; check sasl_username, sasl_password and"
                " sasl_mechanism"
            )
        if isinstance(error, kafka_errors.KafkaTimeoutError) and "bootstrap" in str(
            error
        ):
            return self.unreachable(self._patience)
        tried = f"{what}: " if what else ""
        line = f"bus 'kafka' at {self._where}: {tried}{self._text(error)}"
        return _kind_of(error)(line)

    def _text(self, error: BaseException) -> str:
        if isinstance(error, kafka_errors.InvalidSessionTimeoutError):
            return (
                "the broker refuses a lease of this length; it must be between its"
                " group.min.session.timeout.ms and group.max.session.timeout.ms"
            )
        text = " ".join(str(error).split()) or type(error).__name__
        if self._secret:
            text = text.replace(self._secret, "***")
        return text


def _kind_of(error: BaseException) -> type[BusError]:
    if is_refusal(error):
        return PayloadError
    if isinstance(error, _AWAY):
        return BusConnectionError
    return BusError


def is_refusal(error: BaseException) -> bool:
    """Whether brokers will never take this message, or batch."""
    return isinstance(error, _REFUSED)


def may_pass(error: BaseException) -> bool:
    """Whether doing the same again may help."""
    return _kind_of(error) is BusConnectionError or isinstance(error, _OVERTAKEN)


def quiet_log() -> None:
    """Keep the client library's log to itself, unless somebody asked for it.

    It reports each try to connect as an error, and each rebalance as news.
    """
    log = logging.getLogger("kafka")
    if log.level == logging.NOTSET:
        log.setLevel(logging.CRITICAL + 1)
