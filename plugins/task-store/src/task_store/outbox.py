"""Sends what is claimed: the rules of claims, kept in one place for all taskmasters."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from task_core.api import DecodeError, PayloadError, TaskmasterContext, decode_task
from task_store.claim import Backlog, Claim
from task_store.errors import StoreAwayError
from task_store.patience import Patience
from task_store.store import DEDUP_WINDOW, Store

T = TypeVar("T")
SHORTEST, LONGEST = 0.1, 5.0
"""Seconds until the next look: when the next claim is due, or a lease has ended."""
TIDY_EVERY = 3600.0
"""Seconds between two looks for keys that are too old."""
ASIDE = 3600.0
"""Seconds for which a claim rests that the bus refuses: others must go on."""
COUNT_EVERY = 5.0
"""Seconds between two counts of what is not sent, for those who want to know it."""
COUNT_LASTS = 60.0
"""Seconds for which such a count is worth telling."""
AWAY = 60.0
"""Seconds until the next look at a store that was away, when nobody insists."""
AT_ONCE = 100
"""How many are taken over at a time: all of them must be sent within a lease."""


class Outbox:
    """Claims, sends, and marks; and takes over what others have left.

    Used by one thread, that of its context; only `queue` is for all threads.

    Args:
        ctx: Sends. It must not be in the body of a `deliveries` loop: there, `queue`.
        store: Where the claims are.
        dedup_window: Seconds for which the keys of what was sent are kept.
        insists: Whether to wait for a store that is away. Who has better things to do
            meanwhile meets a `StoreAwayError`; the next look is a minute later.
        refused: Keys of what the bus refused in the last `send`, `send_from` or
            `take_over`; it is put aside.
    """

    def __init__(
        self,
        ctx: TaskmasterContext,
        store: Store,
        *,
        dedup_window: float = DEDUP_WINDOW,
        insists: bool = True,
    ) -> None:
        self._ctx = ctx
        self._store = store
        self._window = dedup_window
        self._patience = Patience(ctx) if insists else None
        self.refused: set[str] = set()
        self._look = self._tidy = self._count = ctx.clock.monotonic()
        self._backlog: Backlog | None = None
        self._wanted = True

    def facts(self) -> dict[str, int]:
        """Return how much is `pending`, and `due` of that, for `info` (any thread).

        It is counted at the start and when somebody has asked: nothing before that.
        """
        self._wanted = True
        is_old = self._ctx.clock.monotonic() > self._count + COUNT_LASTS
        return {} if self._backlog is None or is_old else attrs.asdict(self._backlog)

    def insist(self, act: Callable[[], T]) -> T:
        """Do something with the store, again and again while it is away.

        Raises:
            StoreAwayError: It is away, and somebody wants to stop, or nobody insists.
        """
        return self._patience.insist(act) if self._patience else act()

    def send(self, *claims: Claim) -> list[bool]:
        """Claim tasks, send those that are ours and due at once, and mark them.

        What the bus refuses for good is told, and put aside for an hour.

        Returns:
            For each whether its key was new.

        Raises:
            SendError: One cannot be sent now; who takes over sends it.
        """
        ours = self.insist(lambda: self._store.claim(claims))
        mine = [it for it, new in zip(claims, ours, strict=True) if new]
        self._send([it for it in mine if not it.due])
        if any(it.due for it in mine):
            self.look()
        return ours

    def send_from(self, act: Callable[[], Sequence[Claim]]) -> list[bool]:
        """Do something in a transaction, and claim what comes of it in the same one.

        So both are done or neither is; then what is ours and due is sent.

        Args:
            act: Writes to the store, and returns claims. It is called again when the
                store was away.

        Returns:
            For each of its claims whether its key was new.

        Raises:
            SendError: One cannot be sent now; who takes over sends it.
        """
        claims, ours = self.insist(lambda: self._claimed(act))
        mine = [it for it, new in zip(claims, ours, strict=True) if new]
        self._send([it for it in mine if not it.due])
        if any(it.due for it in mine):
            self.look()
        return ours

    def queue(self, *claims: Claim) -> list[bool]:
        """Claim tasks for whoever takes over next (any thread).

        In the body of a `deliveries` loop: its delivery may be acknowledged after this.
        """
        new = self._store.queue(claims)
        self.look()
        return new

    def take_over(self) -> int:
        """Send what is due and in nobody's hands, if it is time for a look.

        Returns:
            How many were sent.

        Raises:
            StoreAwayError: As of `insist`.
        """
        try:
            return self._take_over()
        except StoreAwayError:
            self._look = self._ctx.clock.monotonic() + AWAY
            raise

    def look(self) -> None:
        """Let the next `take_over` look, and end a wait for it (any thread)."""
        self._look = 0.0
        self._ctx.wake()

    def left(self, seconds: float) -> float:
        """Return how long to wait at most: not beyond the next look."""
        return max(0.0, min(seconds, self._look - self._ctx.clock.monotonic()))

    def run(self) -> None:
        """Take over until stopped: a loop of its own, beside those that claim."""
        while not self._ctx.stopping:
            self.take_over()
            self._ctx.wait(self.left(LONGEST))

    def take_over_now(self) -> int:
        """Send what is due and in nobody's hands; return how many that were."""
        self._look = math.inf  # a `look` from here on counts
        count, left = 0, self.insist(self._store.next_in)
        while left is not None and left <= 0 and not self._ctx.stopping:
            found = self.insist(lambda: self._store.take_over(AT_ONCE))
            count += self._send(found)
            left = self.insist(self._store.next_in) if found else SHORTEST
        seconds = min(LONGEST, max(SHORTEST, left or LONGEST))
        self._look = min(self._look, self._ctx.clock.monotonic() + seconds)
        return count

    def _take_over(self) -> int:
        now = self._ctx.clock.monotonic()
        if now >= self._tidy:
            self._tidy = now + TIDY_EVERY
            self.insist(lambda: self._store.drop_old(self._window))
        if self._wanted and now >= self._count:
            self._wanted, self._count = False, now + COUNT_EVERY
            self._backlog = self.insist(self._store.backlog)
        return self.take_over_now() if now >= self._look else 0

    def _claimed(
        self, act: Callable[[], Sequence[Claim]]
    ) -> tuple[Sequence[Claim], list[bool]]:
        with self._store.transaction():
            claims = act()
            return claims, self._store.claim(claims) if claims else []

    def _send(self, claims: Sequence[Claim]) -> int:
        self.refused = set()
        if len(claims) > 1 and self._sent_together(claims):
            return len(claims)
        done: list[str] = []
        try:
            for claim in claims:
                if self._sent(claim):
                    done += [claim.key]  # not one `extend`: some may fail
        finally:
            if done:
                self.insist(lambda: self._store.sent(done))
        return len(done)

    def _sent_together(self, claims: Sequence[Claim]) -> bool:
        """Send claims in one call; False when one of them is refused, and none sent."""
        try:
            self._ctx.send_all([(decode_task(it.body), it.topic) for it in claims])
        except (PayloadError, DecodeError):
            return False
        self.insist(lambda: self._store.sent([it.key for it in claims]))
        return True

    def _sent(self, claim: Claim) -> bool:
        """Send one; what the bus refuses is put aside, that the others may go on.

        It is claimed: who raised here would end a taskmaster, and gain nothing.
        """
        try:
            self._ctx.send(decode_task(claim.body), claim.topic)
        except (PayloadError, DecodeError) as error:
            text = "%s cannot be sent, and is put aside for an hour: %s"
            self._ctx.log.error(text, claim.key, error)  # noqa: TRY400  no bug
            self.refused.add(claim.key)
            self.insist(lambda: self._store.claims.postpone([claim.key], ASIDE))
            return False
        return True
