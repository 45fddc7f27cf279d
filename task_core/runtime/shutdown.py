"""The main thread's part: it runs nothing itself, so it always answers to signals."""

import signal
import threading
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, Protocol

LAST_WORDS = 1.0
"""Seconds that the bus thread has to give everything back after a second signal."""
MARGIN = 5.0
"""Seconds beyond the kill time after which a bus thread counts as stuck."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stoppable(Protocol):
    """What can be run in a thread and told to stop; twice means at once."""

    def run(self) -> None:
        """Work; returns when there is no more to do."""

    def stop(self) -> None:
        """Stop (any thread)."""


class Supervisor:
    """Runs the bus thread and turns signals into stops.

    Args:
        launcher: What to run.
        kill_time: Seconds that running tasks have after the first signal.
    """

    def __init__(self, launcher: Stoppable, kill_time: float) -> None:
        self.signals: list[int] = []
        self._launcher = launcher
        self._kill_time = kill_time
        self._error: BaseException | None = None
        self._ended = False
        self._events: SimpleQueue[int] = SimpleQueue()  # a signal, or 0 for the end
        self._before: dict[int, Any] = {}

    def run(self) -> bool:
        """Run until the launcher ends; raise what it raised.

        Returns:
            False when the bus thread is stuck and had to be left behind.
        """
        thread = threading.Thread(target=self._run, name="bus", daemon=True)
        with self:
            thread.start()
            self._wait()
        if self._error is not None:
            raise self._error
        return self._ended

    def __enter__(self) -> "Supervisor":
        for number in _SIGNALS:
            # What was started with nohup or in the background keeps ignoring.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _run(self) -> None:
        try:
            self._launcher.run()
        except BaseException as error:  # noqa: BLE001  raised again in the main thread
            self._error = error
        finally:
            self._ended = True
            self._events.put(0)

    def _wait(self) -> None:
        """Wait for the end, however long without a signal, and not for ever with."""
        limits = (None, self._kill_time + MARGIN, LAST_WORDS)
        while not self._ended:
            try:
                self._events.get(timeout=limits[min(len(self.signals), 2)])
            except Empty:
                return

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals.append(number)
        self._launcher.stop()
        self._events.put(number)
