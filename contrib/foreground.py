"""Tests of signals need signals: a job that a shell or `nohup` started ignores some.

A pytest plugin (`-p foreground`). What is ignored is inherited by every process that a
test starts, and what is handled is not.
"""

import signal


def pytest_configure() -> None:
    """Handle what ends a job in the foreground, as such a one does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
