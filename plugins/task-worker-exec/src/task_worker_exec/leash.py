"""Ends the programs when the launcher dies, however it dies."""

import contextlib
import subprocess
import threading

# A process of its own outlives even SIGKILL. It knows the process groups that are at
# work, and ends them when its input ends: then nobody is left who could.
_SCRIPT = """
groups=
while read -r sign group; do
    if [ "$sign" = + ]; then groups="$groups $group"; continue; fi
    left=
    for one in $groups; do [ "$one" = "$group" ] || left="$left $one"; done
    groups=$left
done
[ -n "$groups" ] || exit 0
for one in $groups; do kill -s TERM -- "-$one"; done
sleep "$1"
for one in $groups; do kill -s KILL -- "-$one"; done
"""


class Leash:
    """Holds process groups."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watcher: subprocess.Popen[bytes] | None = None

    def ready(self, grace: float) -> None:
        """Start the process that watches, before there is anything to watch.

        Args:
            grace: Seconds that the groups have to end, before they are killed.
        """
        with self._lock, contextlib.suppress(OSError):  # without it, all else works
            if self._watcher is None:
                self._watcher = self._start(grace)

    def add(self, group: int) -> None:
        """End this group, too, should the launcher die."""
        self._tell(f"+ {group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that has ended: its number may soon be another's."""
        self._tell(f"- {group}\n")

    def close(self) -> None:
        """Let go of all; may be repeated."""
        with self._lock:
            watcher, self._watcher = self._watcher, None
        if watcher is not None:
            assert watcher.stdin is not None
            watcher.stdin.close()
            watcher.wait()

    def _tell(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._watcher is not None:
                assert self._watcher.stdin is not None
                self._watcher.stdin.write(line.encode())

    def _start(self, grace: float) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "task-worker-exec", f"{grace:g}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the launcher
        )
