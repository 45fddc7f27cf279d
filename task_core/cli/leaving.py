"""How a launcher's process ends."""

import logging
import os
import signal
from collections.abc import Sequence
from typing import NoReturn

from task_core.errors import BusConnectionError


def exit_code(
    signals: Sequence[int], *, failed: bool = False, stuck: bool = False
) -> int:
    """Return 130 after an interrupt or a second signal, else what went wrong, or 0.

    Args:
        signals: What came.
        failed: A task failed: 1.
        stuck: The bus did not answer until the end: 4.
    """
    if signal.SIGINT in signals or len(signals) > 1:
        return 130
    if stuck:
        return BusConnectionError.exit_code
    return 1 if failed else 0


def leave(code: int) -> NoReturn:
    """End the process although threads are stuck in it."""
    logging.shutdown()
    os._exit(code)
