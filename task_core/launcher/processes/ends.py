"""How child processes end: why we have killed one, and what its code says."""

import signal

TIMEOUT = "was killed, as its run did not end in time"
"""Why we have killed a process whose run did not end."""
SILENT = "closed its connection to the launcher, did not end, and was killed"
"""Why we have killed one that could say no more how its runs went."""
GARBLED = "said what nobody understands, and was killed"
"""Why we have killed one whose messages are none."""
BROKEN_OFF = "was killed, since the slots broke down"
"""Why we have killed one that nobody would have listened to."""
OURS = (TIMEOUT, SILENT, GARBLED, BROKEN_OFF)
"""Whatever the code says then, it was us."""


def describe_end(code: int) -> str:
    """Say how a process ended, by its return code.

    Example:
        >>> describe_end(-11), describe_end(3)
        ('was killed by SIGSEGV', 'exited with 3')
    """
    if code >= 0:
        return f"exited with {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        name = f"signal {-code}"
    hint = " (out of memory?)" * (-code == signal.SIGKILL)
    return f"was killed by {name}{hint}"
