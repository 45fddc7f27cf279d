"""Begins every child: it stops when the process that started it is gone.

`python -m task_command_up.leash DESCRIPTOR SECONDS launch …` is `task launch …`. The
descriptor is the reading end of a pipe that its starter holds and never writes to: its
end comes when the starter ends, however that was.
"""

import os
import runpy
import signal
import sys
import threading
import time


def watch(descriptor: int, seconds: float) -> None:
    """Wait for the end of the pipe; then stop as on a signal, and at once later."""
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the command, watched."""
    descriptor, seconds = int(sys.argv[1]), float(sys.argv[2])
    os.set_inheritable(descriptor, False)  # what it starts itself must not keep it
    arguments = (descriptor, seconds)
    threading.Thread(target=watch, args=arguments, name="leash", daemon=True).start()
    sys.argv[1:3] = []
    runpy.run_module("task_core", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
