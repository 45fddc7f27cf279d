"""Run commands at the same time; show what each printed when it has ended.

    python contrib/together.py 'pytest tests/a' 'pytest tests/b'

For what mostly waits. With `--live` lines are shown as they come, each after the number
of its command. The exit status is that of the first command that failed.
"""

import shlex
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO


def main(arguments: list[str]) -> int:
    """Run all, and return the exit status."""
    live = arguments[:1] == ["--live"]
    running, began = [], time.monotonic()
    try:
        for number, command in enumerate(arguments[live:], 1):
            running.append((command, *_start(command, number if live else 0)))
        statuses = []
        for command, process, shown in running:
            statuses.append(process.wait())
            print(f"$ {command}  ({time.monotonic() - began:.0f}s)", flush=True)
            if isinstance(shown, threading.Thread):
                shown.join()
            else:
                shown.seek(0)
                sys.stdout.buffer.write(shown.read())
                sys.stdout.buffer.flush()
    finally:
        for _, process, _ in running:
            process.terminate()
    return next(filter(None, statuses), 0)


def _start(
    command: str, number: int
) -> tuple[subprocess.Popen[bytes], threading.Thread | IO[bytes]]:
    """Start one; return it, and who shows what it prints (no number: nobody yet)."""
    words = shlex.split(command)
    if not number:
        output = tempfile.TemporaryFile()  # noqa: SIM115  read when it has ended
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)
        return process, output
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shows = threading.Thread(target=_show, args=(process.stdout, number))
    shows.start()
    return process, shows


def _show(lines: IO[bytes], number: int) -> None:
    for line in lines:
        sys.stdout.buffer.write(b"%d| %b" % (number, line))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
