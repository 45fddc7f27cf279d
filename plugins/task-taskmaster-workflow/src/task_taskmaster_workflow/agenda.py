"""Which phases fire next, how far they are, and what they have missed."""

import heapq
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from task_rules.missed import Missed
from task_rules.schedule import latest

from task_taskmaster_workflow.book import Book, Entry
from task_taskmaster_workflow.phase import Cron, Phase

LATE = timedelta(minutes=1)
"""A firing that waits longer was missed; a short restart makes none of them so."""
AHEAD = timedelta(hours=1)
"""What is done up to a later time than in an hour was done under a wrong clock."""


class Slot:
    """One cron of a phase, how far it is done, and its next firing.

    Args:
        entry, phase, cron: Which.
        done: Every firing up to then is claimed, or passed over.
    """

    rests = False
    """Whether it does not fire because its phase is paused."""
    told: datetime | None = None
    """The firing of which was told that it waits for the one before."""

    def __init__(self, entry: Entry, phase: Phase, cron: Cron, done: datetime) -> None:
        self.entry = entry
        self.phase = phase
        self.cron = cron
        self.go_on(done)

    @property
    def key(self) -> str:
        """Stands for it in the store; another time begins anew from now."""
        cron = f"{self.cron.text} {self.cron.zone}"
        return f"{self.phase.workflow} {self.phase.key} {cron}"

    def go_on(self, done: datetime) -> None:
        """Be done up to a moment."""
        self.done = done
        self.next = self.cron.after(done)
        self.held: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """When to look at it: when it fires next, or later while something runs."""
        return self.held or self.next

    def lag(self, now: float) -> float:
        """Return by how many seconds its next firing is late."""
        if self.rests or (due := self.next) is None:
            return 0.0
        return max(0.0, now - due.timestamp())

    def pass_missed(self, now: datetime) -> bool:
        """Leave out the firings that were missed and are not made up for.

        Returns:
            Whether there were some.
        """
        before = self.next
        if before is None or now - before <= LATE:
            return False
        window = self.phase.missed_window
        since = self.done
        if window is not None and window < now - since:
            since = now - window
        match self.phase.missed:
            case Missed.ALL:
                found = before if since == self.done else self.cron.after(since)
            case Missed.LAST:
                found = latest(self.cron.schedule, since, now)
            case Missed.SKIP:
                found = latest(self.cron.schedule, max(self.done, now - LATE), now)
        if found is None:
            self.go_on(now)
        else:
            self.next = found
        return self.next != before


class Agenda:
    """All crons of a book, and which is the next to fire.

    Args:
        book: The workflows in force.
        done: How far they are done, by key.
        now: A cron that is new begins here.
    """

    def __init__(self, book: Book, done: Mapping[str, datetime], now: datetime) -> None:
        self.slots = [
            Slot(entry, phase, cron, now)
            for entry in book.entries.values()
            for phase in entry.workflow.phases
            for cron in phase.crons
        ]
        for slot in self.slots:
            if (before := done.get(slot.key)) is not None:
                slot.go_on(before)
        self.new = [slot for slot in self.slots if slot.key not in done]
        self.line_up()

    def begin(self, done: Mapping[str, datetime]) -> None:
        """Let new ones begin where all instances do, by key."""
        for slot in self.new:
            slot.go_on(done[slot.key])
        self.line_up()

    def line_up(self) -> None:
        """Put all in the order of their firings."""
        self._next = [(slot.at, n) for n, slot in enumerate(self.slots) if slot.at]
        heapq.heapify(self._next)

    def first(self) -> Slot | None:
        """Return what fires next; in the order of the files at one moment."""
        return self.slots[self._next[0][1]] if self._next else None

    def move(self) -> None:
        """Put the first one where its next firing belongs."""
        number = self._next[0][1]
        if moment := self.slots[number].at:
            heapq.heapreplace(self._next, (moment, number))
        else:
            heapq.heappop(self._next)

    def restart(self, now: datetime) -> list[tuple[Slot, datetime]]:
        """Let those go on from now that are done up to a time far from now.

        Returns:
            Which, and up to when they were done.
        """
        ahead = [(slot, slot.done) for slot in self.slots if slot.done > now + AHEAD]
        for slot, _ in ahead:
            slot.go_on(now)
        if ahead:
            self.line_up()
        return ahead


def moment_of(seconds: float) -> datetime:
    """Return a moment of the store in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
