"""Run commands at the same time; show what each printed when it has ended.

    python contrib/together.py [--most N] 'pytest tests/a' 'pytest tests/b'

For what mostly waits. With `--most` at most so many run at a time; the others follow in
the order given, so begin with the longest. With `--live` lines are shown as they come,
each after the number of its command. The exit status is that of the first command, as
given, that failed; what those that failed say of why comes once more at the end, since
a long log is often cut there.
"""

import argparse
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

WHY = re.compile(rb"(FAILED|ERROR|E  ) |Error: ")
"""What tells a failure in the lines of pytest and of nox."""
MOST_LINES = 200


def main(arguments: Sequence[str]) -> int:
    """Run all, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--most", type=int)
    parser.add_argument("commands", nargs="+")
    given = parser.parse_args(arguments)
    group = Group(is_live=given.live)
    pool = ThreadPoolExecutor(given.most or len(given.commands))
    try:
        statuses = list(pool.map(group.run, given.commands))
    finally:
        group.end()
        pool.shutdown(cancel_futures=True)
        group.tell()
    return next(filter(None, statuses), 0)


class Group:
    """What runs together.

    Args:
        is_live: Whether lines are shown as they come.
    """

    def __init__(self, *, is_live: bool) -> None:
        self._is_live = is_live
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._failures: list[bytes] = []
        self._began = time.monotonic()
        self._has_ended = False

    def run(self, command: str) -> int:
        """Run a command, show what it prints, and return its exit status."""
        with self._lock:
            if self._has_ended:
                return 0
            process = subprocess.Popen(
                shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            self._running.append(process)
            number = len(self._running)
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if self._is_live:
                self._show(b"%d| %b" % (number, line))
        status = process.wait()
        seconds = time.monotonic() - self._began
        head = f"$ {command}  (ended after {seconds:.0f} s with {status})\n".encode()
        self._show(head if self._is_live else head + b"".join(lines))
        if status:
            self._failures += [head, *filter(WHY.match, lines)]
        return status

    def end(self) -> None:
        """End what still runs: somebody has interrupted us."""
        with self._lock:
            self._has_ended = True
        for process in self._running:
            process.terminate()

    def tell(self) -> None:
        """Show what failed, and the lines that say why."""
        self._show(b"".join(self._failures[:MOST_LINES]))

    def _show(self, text: bytes) -> None:
        with self._lock:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
