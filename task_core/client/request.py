"""What one caller wants to send, and how that ended."""

import threading
from collections.abc import Iterator, Sequence
from time import monotonic

from task_core.api.message import Message
from task_core.errors import BusConnectionError, BusError, SendError


class Request:
    """What one caller wants to send, and how that ended.

    A future would do; but to make one costs as much as some buses take.

    Args:
        messages: What is not confirmed yet.
        deadline: Moment on the monotonic clock after which nobody waits for it.
    """

    __slots__ = ("_bell", "_error", "_positions", "deadline", "done", "messages")

    def __init__(self, messages: Sequence[Message], deadline: float) -> None:
        self.messages = messages
        self.deadline = deadline
        self.done = False
        self._positions: Sequence[int] | None = None  # when some are confirmed
        self._error: BaseException | None = None
        self._bell: threading.Lock | None = None

    @property
    def positions(self) -> Sequence[int]:
        """Where the messages are in what came."""
        return range(len(self.messages)) if self._positions is None else self._positions

    def enqueue(self) -> None:
        """Get ready to be waited for."""
        self._bell = threading.Lock()
        self._bell.acquire()

    def abandon(self, text: str) -> BusError:
        """Wait no more: what is not under way is not sent.

        Returns:
            What its caller is to be told, in these words.
        """
        self.done = True
        return self._told(BusConnectionError(text))

    def finish(self) -> None:
        """End it: all is confirmed (who has the turn)."""
        if not self.done:
            self.done = True
            if self._bell is not None:
                self._bell.release()

    def fail(self, error: BaseException) -> None:
        """End it by an error, which is this caller's alone (who has the turn).

        Args:
            error: Positions in a `SendError` do not count: it gets its own.
        """
        if not self.done:
            self._error = self._told(error) if isinstance(error, BusError) else error
            self.finish()

    def wait(self) -> bool:
        """Wait until it ends, or for the deadline; raise its error.

        Returns:
            Whether all is confirmed.
        """
        if self._bell is not None:
            self._bell.acquire(timeout=max(0.0, self.deadline - monotonic()))
        if self._error is not None:
            raise self._error
        return self.done

    def keep(self, left: Sequence[int]) -> None:
        """Forget what is confirmed; `left` are positions among `messages`."""
        if len(left) < len(self.messages):
            self._positions = [self.positions[at] for at in left]
            self.messages = [self.messages[at] for at in left]

    def _told(self, error: BusError) -> BusError:
        """Return an error, or one that tells what of it all is not confirmed."""
        if isinstance(error, SendError):
            return SendError(str(error), self.positions, transient=error.transient)
        if self._positions is None:
            return error
        passing = isinstance(error, BusConnectionError)
        return SendError(str(error), self._positions, transient=passing)


def together(requests: Sequence[Request]) -> Sequence[Message]:
    """Return what all of them want to send; most often one of them is alone."""
    if len(requests) == 1:
        return requests[0].messages
    return [message for one in requests for message in one.messages]


def shares(
    requests: Sequence[Request], positions: Sequence[int]
) -> Iterator[tuple[Request, list[int]]]:
    """Yield for each request which of the positions are its own, counted from its."""
    begin, named = 0, set(positions)
    for one in requests:
        end = begin + len(one.messages)
        yield one, [at - begin for at in range(begin, end) if at in named]
        begin = end
