"""What children print and log, in the parent: whole lines, in order."""

import contextlib
import logging
import sys

from task_core.launcher.at_work import About
from task_core.launcher.processes.frames import Log, Print

LONGEST = 1 << 16
"""Characters after which a line is written, though it has no end."""


def repeat(message: Log) -> None:
    """Let the handlers of this process write what a child has logged."""
    about = message.record.pop("at_work", None)
    record = logging.makeLogRecord(message.record)
    if about is not None:
        record.at_work = About(**about)
    logger = logging.getLogger(record.name)
    # What a filter or handler raises would end the slots of all.
    with contextlib.suppress(Exception):
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


class Lines:
    """Puts together what one child prints."""

    def __init__(self) -> None:
        self._parts = {1: "", 2: ""}

    def add(self, message: Print) -> None:
        """Write the lines that are complete to stderr."""
        text = self._parts[message.stream] + message.text
        whole, end, rest = text.rpartition("\n")
        if len(rest) > LONGEST:
            whole, end, rest = text, "\n", ""
        self._parts[message.stream] = rest
        _write(whole + end)

    def end(self) -> None:
        """Write what never had an end."""
        for stream, rest in self._parts.items():
            _write(f"{rest}\n" if rest else "")
            self._parts[stream] = ""


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it may be closed
        if text:
            sys.stderr.write(text)
            sys.stderr.flush()
