"""A program: ends its parent, when that is told to stop and no Python runs in it.

One task that never lets go of Python (a catastrophic regular expression) keeps the main
thread from hearing a signal. Only another process can see that, and do something.
`signals.py` starts it, with where signals wait to be heard as its stdin, a byte each;
signals of its own are blocked.
"""

import fcntl
import os
import select
import struct
import sys
import termios
import time

LOOK = 0.1
"""Seconds between two looks at a signal that nobody has heard yet."""
ORPHANED = 60.0
"""Seconds until it notices at last that the process it watches is gone."""
SIGQUIT, SIGKILL = 3, 9
"""Everywhere; to import `signal` costs as much as all else that this program does."""


def main() -> None:
    """Watch the parent until it ends, or is frozen."""
    parent, grace, last_words = int(sys.argv[1]), *map(float, sys.argv[2:])
    poll = select.poll()
    poll.register(0, select.POLLIN)
    while os.getppid() == parent:
        for _, event in poll.poll(ORPHANED * 1000):
            if not event & select.POLLIN:
                return  # nobody is left who could ring
            if _is_frozen(poll, grace, last_words):
                _end(parent, last_words)
                return


def _is_frozen(poll: select.poll, grace: float, last_words: float) -> bool:
    """Whether signals wait in vain; a launcher that works hears them at once."""
    begin = time.monotonic()
    while poll.poll(0):
        count = struct.unpack("i", fcntl.ioctl(0, termios.FIONREAD, bytes(4)))[0]
        if not count:  # heard, or nobody is left
            return False
        limit = grace if count == 1 else last_words
        if time.monotonic() - begin >= limit:
            return True
        time.sleep(LOOK)
    return False


def _end(parent: int, last_words: float) -> None:
    try:
        os.write(2, _REASON)
        os.kill(parent, SIGQUIT)  # tells where all threads are, and ends
        until = time.monotonic() + last_words
        while os.getppid() == parent:
            if time.monotonic() > until:
                os.kill(parent, SIGKILL)
            time.sleep(LOOK)
    except OSError:  # it is gone
        return


_REASON = (
    b"task: told to stop, and heard nothing, since some code never lets go of Python:"
    b" ending; this is where:\n"
)

if __name__ == "__main__":
    main()
