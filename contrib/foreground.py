"""Tests of signals need SIGINT: a job that a shell started with `&` ignores it.

A pytest plugin (`-p foreground`). What is ignored is inherited by every process that a
test starts, and what is handled is not.
"""

import signal


def pytest_configure() -> None:
    """Handle interrupts, as a job in the foreground does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
