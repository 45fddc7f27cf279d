"""How far the rules are done, and what comes next."""

import heapq
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from task_rules.missed import Missed
from task_rules.schedule import latest

from task_taskmaster_cron.progress import Progress
from task_taskmaster_cron.rule import Rule

LATE = timedelta(minutes=1)
"""A firing that waits longer was missed; a short restart makes none of them so."""
AHEAD = timedelta(hours=1)
"""What is done up to a later time than in an hour was done under a wrong clock."""


class Entry:
    """One rule, how far it is done, and its next firing.

    Args:
        rule: The rule.
        done: Every firing up to then is sent, or passed over.
        next: What comes next, or None when nothing ever does.
    """

    def __init__(self, rule: Rule, done: datetime) -> None:
        self.rule = rule
        self._key, self._name = rule.key, str(rule)
        self.go_on(done)

    def go_on(self, done: datetime) -> None:
        """Be done up to a moment."""
        self.done = done
        try:
            self.next = self.rule.schedule.after(done)
        except (OverflowError, ValueError):  # no clock of its zone shows that date
            self.next = None

    def is_lost(self, now: datetime) -> bool:
        """Whether it is done up to a time that only a wrong clock tells."""
        ends = self.next is None and self.rule.schedule.after(now) is not None
        return ends or self.done > now + AHEAD

    def pass_missed(self, now: datetime) -> bool:
        """Leave out the firings that were missed and are not made up for.

        Returns:
            Whether there were some.
        """
        if self.next is None or now - self.next <= LATE:
            return False
        match self.rule.missed:
            case Missed.ALL:
                return False
            case Missed.LAST:
                since = self.done
            case Missed.SKIP:
                since = max(self.done, now - LATE)
        before = self.next
        found = latest(self.rule.schedule, since, now)
        if found is None:
            self.go_on(now)
        else:
            self.next = found
        return self.next != before

    @property
    def progress(self) -> Progress:
        """What the state file keeps."""
        return Progress(key=self._key, name=self._name, done=self.done)


class Agenda:
    """All rules, and which of them is the next to fire.

    Args:
        rules: The rules.
        done: How far they are done, by key.
        now: A rule that is new begins here.
    """

    def __init__(
        self, rules: Sequence[Rule], done: Mapping[str, datetime], now: datetime
    ) -> None:
        self.entries = [Entry(rule, done.get(rule.key, now)) for rule in rules]
        self._line_up()

    def first(self) -> tuple[datetime, Entry] | None:
        """Return what fires next, and when; in the file's order at one moment."""
        if not self._next:
            return None
        moment, number = self._next[0]
        return moment, self.entries[number]

    def done(self, firing: datetime) -> None:
        """The first one has fired."""
        self._first.go_on(firing)
        self._move()

    def pass_missed(self, now: datetime) -> bool:
        """Leave out what the first one has missed; return whether there was some."""
        passed = self._first.pass_missed(now)
        if passed:
            self._move()
        return passed

    def catch_up(self, done: Mapping[str, datetime]) -> None:
        """Be as far as other instances are, where these are further."""
        for entry in self.entries:
            if (theirs := done.get(entry.rule.key, entry.done)) > entry.done:
                entry.go_on(theirs)
        self._line_up()

    def begin(self, done: Mapping[str, datetime]) -> None:
        """Let rules begin where all instances do, by key."""
        for entry in self.entries:
            if (moment := done.get(entry.rule.key)) is not None:
                entry.go_on(moment)
        self._line_up()

    def restart(self, now: datetime) -> list[tuple[Entry, datetime]]:
        """Let those go on from now that are done up to a time far from now.

        Returns:
            Which, and up to when they were done.
        """
        lost = [(entry, entry.done) for entry in self.entries if entry.is_lost(now)]
        for entry, _ in lost:
            entry.go_on(now)
        if lost:
            self._line_up()
        return lost

    @property
    def progress(self) -> list[Progress]:
        """What the state file keeps."""
        return [entry.progress for entry in self.entries]

    @property
    def _first(self) -> Entry:
        return self.entries[self._next[0][1]]

    def _line_up(self) -> None:
        entries = enumerate(self.entries)
        self._next = [(entry.next, number) for number, entry in entries if entry.next]
        heapq.heapify(self._next)

    def _move(self) -> None:
        """Put the first one where its next firing belongs."""
        number = self._next[0][1]
        if moment := self.entries[number].next:
            heapq.heapreplace(self._next, (moment, number))
        else:
            heapq.heappop(self._next)
