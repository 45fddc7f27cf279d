"""Lines on stderr, as nsqd and nsqlookupd write them."""

import sys
from datetime import datetime

_LEVELS = ("debug", "info", "warn", "error", "fatal")


class Log:
    """Writes lines at or above a level.

    Args:
        prefix: what every line starts with, like `[nsqd] `.
        level: the lowest that is written.
    """

    def __init__(self, prefix: str, level: str) -> None:
        self._prefix = prefix
        self._lowest = _LEVELS.index(level.lower())

    def write(self, level: str, text: str) -> None:
        """Write one line, with the time of day."""
        if _LEVELS.index(level) >= self._lowest:
            now = datetime.now().strftime("%Y/%m/%d %H:%M:%S.%f")  # noqa: DTZ005
            line = f"{self._prefix}{now} {level.upper()}: {text}\n"
            sys.stderr.write(line)
            sys.stderr.flush()

    def tell(self, text: str) -> None:
        """Tell what happens."""
        self.write("info", text)

    def complain(self, text: str) -> None:
        """Tell what went wrong."""
        self.write("error", text)
