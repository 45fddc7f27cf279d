"""The store: one object for all that a taskmaster keeps."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from task_core.api import Clock, TaskmasterContext
from task_store.alone import Alone, held
from task_store.claim import Backlog, Claim, Held
from task_store.claims import Claims
from task_store.database import Database
from task_store.errors import StoreAwayError
from task_store.groups import Groups
from task_store.joins import Joins
from task_store.pauses import Pauses
from task_store.place import read_place
from task_store.plans import Plans
from task_store.progress import Progress
from task_store.seen import Seen

LEASE = 10.0
"""Seconds in which the owner of a claim sends it."""
DEDUP_WINDOW = 7 * 86400.0
"""Seconds for which the keys of what was sent are kept."""

PLANS_KEPT = 30 * 86400.0
"""Seconds for which a plan is kept of which nothing is left to do."""


class Store:
    """A store; made by `open_store`, and safe to share between threads.

    Args:
        database: Where all of it is.
        lease: Seconds in which the owner of a claim sends it.
        claims, progress, joins, seen, groups, plans, pauses: Its parts.
    """

    def __init__(self, database: Database, lease: float) -> None:
        self._database = database
        self.claims = Claims(database, lease)
        self.progress = Progress(database)
        self.joins = Joins(database)
        self.seen = Seen(database)
        self.groups = Groups(database)
        self.plans = Plans(database)
        self.pauses = Pauses(database)
        self._lock = threading.Lock()
        self._users = 0

    @property
    def name(self) -> str:
        """Where it is, for people; without secrets."""
        return self._database.place.name

    @property
    def shared(self) -> bool:
        """Whether instances on several machines may use it: it is on a server."""
        return self._database.place.shared

    @property
    def missing(self) -> bool:
        """Whether its file is not there yet; the first use makes it."""
        path = self._database.place.path
        return bool(path) and not Path(path).exists()

    def check(self) -> None:
        """Connect, and see that the tables are there.

        Raises:
            StoreAwayError: It does not answer now.
            StoreError: It cannot be used.
        """
        with self._database.reading():
            pass

    def check_place(self) -> None:
        """Refuse, before a start, what can be no store; close it until it is used.

        One that does not answer is no mistake: whoever uses it waits for it.

        Raises:
            StoreError: It cannot be used.
        """
        with contextlib.suppress(StoreAwayError):
            self.check()
        self.close()

    def now(self) -> float:
        """Return the time of the store: instances agree on it."""
        return self._database.time()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """`with` it: all that this thread does inside happens, or nothing does."""
        with self._database.writing():
            yield

    def claim(self, claims: Sequence[Claim]) -> list[bool]:
        """Write claims; return for each whether it is ours to send. See `Claims`."""
        return self.claims.claim(claims)

    def queue(self, claims: Sequence[Claim]) -> list[bool]:
        """Write claims that whoever takes over next sends. See `Claims`."""
        return self.claims.queue(claims)

    def sent(self, keys: Iterable[str]) -> None:
        """Mark claims as sent."""
        self.claims.sent(keys)

    def release(self, keys: Iterable[str]) -> None:
        """Give back claims of ours that are not sent."""
        self.claims.release(keys)

    def withdraw(self, keys: Iterable[str]) -> None:
        """Drop claims of ours that are not sent."""
        self.claims.withdraw(keys)

    def take_over(self, limit: int = 100) -> list[Claim]:
        """Lease to us what is due and in nobody's hands."""
        return self.claims.take_over(limit)

    def next_in(self) -> float | None:
        """Return in how many seconds there is something to take over, or None."""
        return self.claims.next_in()

    def find(self, keys: Iterable[str]) -> dict[str, Held]:
        """Return what is known of keys."""
        return self.claims.find(keys)

    def pending(self) -> int:
        """Return how many claims are not sent."""
        return self.claims.pending()

    def backlog(self) -> Backlog:
        """Return how many claims are not sent, and how many of those are due."""
        return self.claims.backlog()

    def drop_old(self, age: float = DEDUP_WINDOW) -> None:
        """Drop claims that were sent longer ago, joins that fired, and old plans."""
        self.claims.drop_old(age)
        self.joins.drop_old(age)
        self.plans.drop_old(PLANS_KEPT)

    def alone(self, name: str) -> "contextlib.AbstractContextManager[Alone]":
        """`with` it: there is no other instance of that name on this store.

        One that was killed on this machine is found out at once, on another one after
        15 seconds of silence.

        Raises:
            InUseError: There is one.
        """
        return held(Alone(self._database, name))

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """`with` it, in each loop: the store is closed when the last one has ended.

        Who comes later opens it again.
        """
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self.close()

    @contextlib.contextmanager
    def serving(self, ctx: TaskmasterContext, left: str) -> Iterator[None]:
        """`with` it in a loop that insists: `in_use`, and a stop may come meanwhile.

        Args:
            ctx: Of the loop.
            left: What becomes of the rest when a stop comes while the store is away.
        """
        try:
            with self.in_use():
                yield
        except StoreAwayError as error:
            if not ctx.stopping:
                raise
            ctx.log.warning("%s; %s", error, left)

    def close(self) -> None:
        """Close all connections; may be repeated."""
        self._database.close()


def open_store(url: str, *, lease: float = LEASE, clock: Clock | None = None) -> Store:
    """Return a store; it connects when it is first used.

    Args:
        url: A path, `sqlite:PATH`, or `postgresql://USER@HOST/DATABASE`.
        lease: Seconds in which the owner of a claim sends it; then others do.
        clock: A test's; the store has its own time else.

    Raises:
        StoreError: It is no place for a store, or what it needs is not installed.
    """
    return Store(Database(read_place(url), clock), lease)
