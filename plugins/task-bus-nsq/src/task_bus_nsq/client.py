"""The one place that imports nsq-py, and keeps it from printing.

When it is imported, it has its logger write every step to stderr. That is undone,
unless the program had imported it before.
"""

import logging
import sys

_logger = logging.getLogger("nsq")
_is_new = "nsq" not in sys.modules
_before = (_logger.level, list(_logger.handlers))

from nsq.connection import Connection  # type: ignore[import-untyped]  # noqa: E402
from nsq.constants import (  # type: ignore[import-untyped]  # noqa: E402
    FRAME_TYPE_ERROR,
    FRAME_TYPE_MESSAGE,
    MAGIC_V2,
)

if _is_new:
    _logger.setLevel(_before[0])
    _logger.handlers[:] = _before[1]

__all__ = ["FRAME_TYPE_ERROR", "FRAME_TYPE_MESSAGE", "MAGIC_V2", "Connection"]
