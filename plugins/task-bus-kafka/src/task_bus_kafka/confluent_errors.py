"""What librdkafka says, in the words of kafka-python, which the bus understands."""

import contextlib
from collections.abc import Iterator

from confluent_kafka import KafkaError, KafkaException
from kafka import errors as kafka_errors  # type: ignore[import-untyped]

_LOCAL = {
    KafkaError._AUTHENTICATION: kafka_errors.SaslAuthenticationFailedError,
    **dict.fromkeys(
        (
            KafkaError._ALL_BROKERS_DOWN,
            KafkaError._TRANSPORT,
            KafkaError._RESOLVE,
            KafkaError._WAIT_COORD,
        ),
        kafka_errors.KafkaConnectionError,
    ),
    **dict.fromkeys(
        (
            KafkaError._MSG_TIMED_OUT,
            KafkaError._TIMED_OUT,
            KafkaError._TIMED_OUT_QUEUE,
        ),
        kafka_errors.KafkaTimeoutError,
    ),
    KafkaError._UNKNOWN_TOPIC: kafka_errors.UnknownTopicOrPartitionError,
    KafkaError._UNKNOWN_PARTITION: kafka_errors.UnknownTopicOrPartitionError,
}


def translate(error: KafkaError | KafkaException) -> Exception:
    """Return the error of kafka-python that means the same."""
    inner = error.args[0] if isinstance(error, KafkaException) else error
    if not isinstance(inner, KafkaError):
        return RuntimeError(str(error))
    code = inner.code()
    kind: type[Exception] = _LOCAL.get(code, kafka_errors.KafkaError)
    if code > 0:
        kind = kafka_errors.for_code(code)
    return kind(inner.str())


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise the errors of kafka-python in place of those of librdkafka."""
    try:
        yield
    except KafkaException as error:
        raise translate(error) from None
