"""Several launchers in one process, with one end."""

import threading
from collections.abc import Sequence

from task_core.errors import worst
from task_core.launcher.launcher import Launcher


class Together:
    """Runs launchers side by side, each in a bus thread of its own.

    It ends when all have ended. When one fails, the others are stopped with the grace
    that a signal would give them.

    Args:
        launchers: What to run.
    """

    def __init__(self, launchers: Sequence[Launcher]) -> None:
        self._launchers = launchers
        self._errors: list[BaseException] = []
        self._lock = threading.Lock()  # several may fail at once

    def run(self) -> None:
        """Work until the last one has ended; raise the worst of what they raised."""
        threads = [
            threading.Thread(target=self._run, args=(one,), name="bus", daemon=True)
            for one in self._launchers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise worst(self._errors)

    def stop(self) -> None:
        """Stop all of them (any thread)."""
        for one in self._launchers:
            one.stop()

    def _run(self, launcher: Launcher) -> None:
        try:
            launcher.run()
        except BaseException as error:  # noqa: BLE001  raised again by `run`
            with self._lock:
                self._errors.append(error)
                for one in self._launchers:
                    # A second request would take the grace away.
                    if one is not launcher and not one.parts.stop.requested:
                        one.stop()
