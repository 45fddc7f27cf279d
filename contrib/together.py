"""Run commands at the same time; show what each printed when it has ended.

    python contrib/together.py 'pytest tests/a' 'pytest tests/b'

For tests that mostly wait. The exit status is that of the first command that failed.
"""

import shlex
import subprocess
import sys
import tempfile
import time


def main(commands: list[str]) -> int:
    """Run all, and return the exit status."""
    began = time.monotonic()
    running = []
    try:
        for command in commands:
            output = tempfile.TemporaryFile()  # noqa: SIM115  read when it has ended
            process = subprocess.Popen(
                shlex.split(command), stdout=output, stderr=subprocess.STDOUT
            )
            running.append((command, process, output))
        statuses = []
        for command, process, output in running:
            statuses.append(process.wait())
            print(f"$ {command}  ({time.monotonic() - began:.0f}s)", flush=True)
            output.seek(0)
            sys.stdout.buffer.write(output.read())
            sys.stdout.buffer.flush()
    finally:
        for _, process, _ in running:
            process.terminate()
    return next(filter(None, statuses), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
