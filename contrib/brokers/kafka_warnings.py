"""What kafka-python warns of in tests: told here once, to be borne with."""

import pytest

KNOWN = (
    # It reads its own schemas in a way that 3.11 and 3.12 deplore.
    "ignore:(read|open)_text is deprecated",
    # It leaves the sockets of tries to connect that failed, or were given up, to the
    # garbage collector (seen with 3.0.12).
    "ignore:unclosed .(ssl.SSLS|s)ocket:ResourceWarning",
    (
        "ignore:Exception ignored in. .(ssl.SSLS|s)ocket"
        ":pytest.PytestUnraisableExceptionWarning"
    ),
)


def bear_with_kafka(config: pytest.Config) -> None:
    """Let no test fail for what the client library leaves behind."""
    for known in KNOWN:
        config.addinivalue_line("filterwarnings", known)
