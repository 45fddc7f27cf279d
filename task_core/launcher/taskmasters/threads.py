"""Several loops of one taskmaster, with one end."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from task_core.api.worker import describe
from task_core.errors import worst


class LoopThreads:
    """Runs loops side by side, each in a thread of its own.

    Args:
        names: What the loops are called, for people.
        run: Runs the loop of a number.
        stop: Stops all of them.
        kill_time: Seconds that the others have when one has failed.
        log: Told when one fails, or does not end.
    """

    def __init__(
        self,
        names: Sequence[str],
        run: Callable[[int], None],
        stop: Callable[[], None],
        kill_time: float,
        log: logging.Logger,
    ) -> None:
        self._names = names
        self._run_loop = run
        self._stop = stop
        self._kill_time = kill_time
        self._log = log
        self._ended: SimpleQueue[tuple[int, BaseException | None]] = SimpleQueue()

    def run(self) -> None:
        """Run until all have returned; raise the worst of what they raised.

        One that has failed stops the others, and does not wait for them for ever.
        """
        for number, name in enumerate(self._names):
            threading.Thread(
                target=self._run_one, args=(number,), name=f"bus-{name}", daemon=True
            ).start()
        left, errors, deadline = (
            set(range(len(self._names))),
            list[BaseException](),
            0.0,
        )
        while left:
            patience = max(0.0, deadline - time.monotonic()) if errors else None
            try:
                number, error = self._ended.get(timeout=patience)
            except Empty:
                names = ", ".join(self._names[number] for number in sorted(left))
                self._log.error(
                    "did not return in time, and is left as it is: %s", names
                )
                break
            left.remove(number)
            if error is None:
                continue
            if not errors:
                deadline = time.monotonic() + self._kill_time
                self._tell(number, error, left)
            errors.append(error)
            self._stop()
        if errors:
            raise worst(errors)

    def _run_one(self, number: int) -> None:
        error: BaseException | None = None
        try:
            self._run_loop(number)
        except BaseException as raised:  # noqa: BLE001  raised again by `run`
            error = raised
        self._ended.put((number, error))

    def _tell(self, number: int, error: BaseException, left: set[int]) -> None:
        if left:
            text = "loop '%s' failed, and the others are stopped: %s"
            self._log.warning(text, self._names[number], describe(error))
