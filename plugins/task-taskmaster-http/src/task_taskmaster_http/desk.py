"""Where requests wait for the bus: many share one confirmed send.

The thread of the web server hands them in, that of the bus takes what is there.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence

from task_taskmaster_http.bodies import Parcel
from task_taskmaster_http.keys import Key
from task_taskmaster_http.problem import RequestError, try_again

MOST_WAITING = 10_000
"""Requests that may wait for the bus."""
AT_ONCE = 1_000
"""Tasks that are sent together, if no single request has more."""
_LATE = (
    "the bus has not confirmed it in time: it may be sent or not; with an"
    " Idempotency-Key it may safely be tried again"
)


class Entry:
    """One request that waits.

    Args:
        parcels: Its tasks.
        key: What it shares with those that repeat it; None: it is no repetition.
        answer: Its tasks as they were sent, in the end, or what is wrong.
        left: Whether nobody waits any more.
    """

    __slots__ = ("answer", "key", "left", "parcels")

    def __init__(self, parcels: Sequence[Parcel], key: Key | None) -> None:
        self.parcels = parcels
        self.key = key
        self.left = False
        self.answer: asyncio.Future[Sequence[Parcel]] = (
            asyncio.get_running_loop().create_future()
        )


Answer = tuple[Entry, Sequence[Parcel] | RequestError]


class Desk:
    """Requests that wait.

    Args:
        wake: Called after each that comes.
        patience: Seconds that a request waits.
    """

    def __init__(self, wake: Callable[[], None], patience: float) -> None:
        self._wake = wake
        self._patience = patience
        self._waiting: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    async def confirm(
        self, parcels: Sequence[Parcel], key: Key | None
    ) -> Sequence[Parcel]:
        """Return the tasks of a request when the bus has confirmed them.

        Raises:
            RequestError: It has not.
        """
        if len(self._waiting) >= MOST_WAITING:
            text = "too many requests wait for the bus: nothing was sent, try again"
            raise try_again(text)
        entry = Entry(parcels, key)
        self._waiting.append(entry)
        if len(self._waiting) == 1:  # for those before it the bus is awake
            self._wake()
        # One timer, and no `timeout`: that would be a tenth of all of a request.
        timer = entry.answer.get_loop().call_later(self._patience, _expire, entry)
        try:
            return await entry.answer
        finally:
            timer.cancel()
            entry.left = True

    def take(self) -> list[Entry]:
        """Return what is to be sent together (the thread of the bus)."""
        taken: list[Entry] = []
        count = 0
        while self._waiting and count < AT_ONCE:
            entry = self._waiting.popleft()
            if not entry.left:
                taken.append(entry)
                count += len(entry.parcels)
        return taken

    @staticmethod
    def answer(answers: Sequence[Answer]) -> None:
        """Tell requests what became of them (the thread of the bus).

        A slow bus may answer when the server has ended: then nobody waits any more.
        """
        if answers:
            loop = answers[0][0].answer.get_loop()
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(_tell, answers)


def _expire(entry: Entry) -> None:
    _tell([(entry, try_again(_LATE))])


def _tell(answers: Sequence[Answer]) -> None:
    for entry, answer in answers:
        if entry.answer.done():  # nobody waits any more
            continue
        if isinstance(answer, RequestError):
            entry.answer.set_exception(answer)
        else:
            entry.answer.set_result(answer)
