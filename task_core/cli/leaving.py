"""How a launcher's process ends."""

import logging
import os
import signal
from collections.abc import Sequence
from typing import NoReturn


def exit_code(signals: Sequence[int], *, failed: bool = False) -> int:
    """Return 130 after an interrupt or a second signal, 1 after failure, or 0."""
    if signal.SIGINT in signals or len(signals) > 1:
        return 130
    return 1 if failed else 0


def leave(code: int) -> NoReturn:
    """End the process although threads are stuck in it."""
    logging.shutdown()
    os._exit(code)
