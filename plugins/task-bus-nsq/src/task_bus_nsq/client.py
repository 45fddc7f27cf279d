"""The one place that imports nsq-py, and keeps it from printing.

At its import it gives its logger a handler that writes every step to stderr, unless
the logger has one.
"""

import logging

_logger = logging.getLogger("nsq")
if not _logger.handlers:
    _logger.addHandler(logging.NullHandler())

from nsq.connection import Connection  # type: ignore[import-untyped]  # noqa: E402
from nsq.constants import (  # type: ignore[import-untyped]  # noqa: E402
    FRAME_TYPE_ERROR,
    FRAME_TYPE_MESSAGE,
    MAGIC_V2,
)

__all__ = ["FRAME_TYPE_ERROR", "FRAME_TYPE_MESSAGE", "MAGIC_V2", "Connection"]
