"""Where log lines go: to stderr, short ones."""

import logging
from enum import StrEnum

from task_core.shown import shown


class LogLevel(StrEnum):
    """What to report on stderr: lines of a level, and those above it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Shown(logging.Formatter):
    """Formats lines that may hold text of tasks, brokers and users."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets, and without what steers a terminal."""
        return shown(super().format(record), lines=True)


def set_up_logging(level: str) -> None:
    """Send log lines of a level and above to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(Shown("task: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
