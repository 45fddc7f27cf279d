"""The loop of time: what fires, what is due, what has changed."""

from collections.abc import Container
from datetime import datetime, timedelta
from functools import partial

from task_rules.moments import whole_second
from task_store import Claim, Outbox, Store, key_of

from task_core.api import TaskmasterContext, encode_task
from task_taskmaster_workflow.agenda import Agenda, Slot, moment_of
from task_taskmaster_workflow.folder import Library
from task_taskmaster_workflow.following import Topics
from task_taskmaster_workflow.joining import OVERDUE_AT_ONCE, overdue_alerts
from task_taskmaster_workflow.making import (
    Made,
    alert,
    deadline_of,
    firing_key,
    for_firing,
    in_order,
)
from task_taskmaster_workflow.phase import Overlap, Phase
from task_taskmaster_workflow.running import Running, lost_text
from task_taskmaster_workflow.successes import Successes

SCOPE = "workflow"
"""Of what the store keeps: how far each cron is done."""
LOOK_EVERY = 1.0
"""Longest wait without a look at the clock and at what is due, in seconds."""
OVERDUE_EVERY = 10.0
"""Seconds between two looks for joins whose time is over."""
KEEP_EVERY = 10.0
"""Seconds between two looks for phases that were complete."""
AT_ONCE = 100
"""Firings that are claimed in one transaction."""


class Timekeeper:
    """Fires phases, sends what is due, and reads files again.

    All that is sent is claimed first, together with how far its cron is done: so a
    kill in between neither loses a firing nor repeats one.

    Args:
        ctx: Of this loop.
        library: The files.
        store: Where claims are.
        topics: Where alerts go.
        refresh: Seconds between two looks for changed files.
        successes: Kept now and then.
    """

    def __init__(
        self,
        ctx: TaskmasterContext,
        library: Library,
        store: Store,
        topics: Topics,
        refresh: float,
        successes: Successes,
    ) -> None:
        self._ctx = ctx
        self._library = library
        self._store = store
        self._topics = topics
        self._refresh = refresh
        self._successes = successes
        self._running = Running(store)
        self.outbox = Outbox(ctx, store)
        self._looked = self._overdue = self._kept = ctx.clock.monotonic()
        self._latest: datetime | None = None
        self.agenda = self.outbox.insist(self._begin)

    def run(self) -> None:
        """Go on until stopped."""
        while not self._ctx.stopping:
            self._read_again()
            self._heed_clock()
            if self._fire_due():
                continue
            if self.outbox.take_over():
                continue
            self._tell_overdue()
            self._keep_successes()
            self._ctx.wait(self._left())

    def lags(self) -> dict[tuple[str, str], float]:
        """Return by how many seconds phases are late, by workflow and name."""
        found: dict[tuple[str, str], float] = {}
        now = self._ctx.clock.time()
        for slot in self.agenda.slots:
            place = slot.phase.workflow, slot.phase.name
            found[place] = max(slot.lag(now), found.get(place, 0.0))
        return found

    def _begin(self) -> Agenda:
        """Line up all crons; those that are new begin now."""
        now = whole_second(self._ctx.clock)
        done = {
            key: moment_of(seconds)
            for key, seconds in self._store.progress.load(SCOPE).items()
        }
        agenda = Agenda(self._library.book, done, now)
        new = {it.key: (it.done.timestamp(), str(it.phase)) for it in agenda.new}
        begun = self._store.progress.begin_all(SCOPE, new)
        agenda.begin({key: moment_of(seconds) for key, seconds in begun.items()})
        return agenda

    def _read_again(self) -> None:
        now = self._ctx.clock.monotonic()
        if now < self._looked + self._refresh:
            return
        self._looked = now
        told = self._library.told
        changed = self._library.refresh()
        if self._library.told != told:
            for line in self._library.told:
                self._ctx.log.error("%s", line)
        if changed:
            self._ctx.log.info("read again: %s", ", ".join(changed))
            self.agenda = self.outbox.insist(self._begin)
            self._latest = None  # what another clock has written may be yet to come

    def _heed_clock(self) -> None:
        """Go on from now when the clock was ahead for a while, then or now."""
        now = whole_second(self._ctx.clock)
        behind = self._latest is None or now < self._latest
        self._latest = now
        if not behind:
            return
        for slot, done in self.agenda.restart(now):
            text = "%s is done up to %s, which is yet to come: the clock was wrong, %s"
            self._ctx.log.warning(text, slot.phase, done, "and it goes on from now")
            before, new = done.timestamp(), now.timestamp()
            change = (SCOPE, slot.key, before, new)
            self.outbox.insist(partial(self._store.progress.put_back, *change))

    def _fire_due(self) -> bool:
        """Claim what is due; return whether there was something."""
        due = self._due()
        if not due:
            return False
        self.outbox.insist(lambda: self._claim(due))
        self.outbox.look()
        return True

    def _due(self) -> list[tuple[Slot, datetime]]:
        """Return what fires now, and when that was due."""
        now = whole_second(self._ctx.clock)
        found: list[tuple[Slot, datetime]] = []
        taken: set[int] = set()
        paused = self._paused(now)
        while len(found) < AT_ONCE:
            slot = self.agenda.first()
            if slot is None or slot.next is None or (slot.at or slot.next) > now:
                break
            slot.rests = slot.phase.pause in paused
            if slot.rests:
                slot.held = now + timedelta(seconds=max(1.0, LOOK_EVERY))
            elif slot.pass_missed(now):
                text = "%s missed firings since %s and goes on with that of %s"
                self._ctx.log.warning(text, slot.phase, slot.done, slot.next)
            elif slot.phase.overlap is not Overlap.ALLOW and id(slot) in taken:
                break  # whether it may is known when the one before is claimed
            elif slot.phase.overlap is Overlap.WAIT and self._waits(slot, slot.next):
                slot.held = now + timedelta(seconds=max(1.0, LOOK_EVERY))
            else:
                found.append((slot, slot.next))
                taken.add(id(slot))
                slot.go_on(slot.next)
            self.agenda.move()
        return found

    def _paused(self, now: datetime) -> Container[str]:
        """Return which phases rest, when anything is about to fire."""
        slot = self.agenda.first()
        if slot is None or slot.at is None or slot.at > now:
            return ()
        return self.outbox.insist(self._store.pauses.all)

    def _claim(self, due: list[tuple[Slot, datetime]]) -> None:
        with self._store.transaction():
            made: list[Made] = []
            for slot, firing in due:
                made += self._firing(slot, firing)
                self._store.progress.advance(
                    SCOPE, slot.key, firing.timestamp(), str(slot.phase)
                )
            new = self._store.queue(in_order(made, self._store.now()))
            ours = [it for it, is_new in zip(made, new, strict=True) if is_new]
            self._store.queue(self._deadlines(ours))
            self._running.begin((it.phase, it.task.id) for it in ours)

    def _firing(self, slot: Slot, firing: datetime) -> list[Made]:
        phase = slot.phase
        if phase.overlap is Overlap.SKIP and (before := self._before(phase, firing)):
            text = "%s leaves out its firing of %s: its task %s is not done"
            self._ctx.log.warning(text, phase, firing, before[0])
            return []
        try:
            made = for_firing(slot.entry, phase, firing, self._ctx.clock)
        except ValueError as error:
            self._store.queue(self._trouble(phase, firing, str(error)))
            return []
        self._ctx.log.info("%s fires: %s", phase, firing)
        return made

    def _deadlines(self, made: list[Made]) -> list[Claim]:
        if not any(it.phase.deadline for it in made):
            return []
        now, clock = self._store.now(), self._ctx.clock
        found = (deadline_of(it, self._topics.alerts, now, clock) for it in made)
        return [claim for claim in found if claim]

    def _trouble(self, phase: Phase, firing: datetime, text: str) -> list[Claim]:
        self._ctx.log.error("%s cannot fire: %s", phase, text)
        if not self._topics.alerts:
            return []
        key = key_of("trouble", phase.workflow, phase.key, firing.isoformat())
        task = alert(phase, f"cannot fire: {text}", self._ctx.clock)
        return [Claim(key, self._topics.alerts, encode_task(task))]

    def _waits(self, slot: Slot, firing: datetime) -> bool:
        """Whether a firing waits for the one before; that is told once."""
        before = self.outbox.insist(partial(self._before, slot.phase, firing))
        if before and slot.told != firing:
            slot.told = firing
            text = "%s waits with its firing of %s until its task %s is done"
            self._ctx.log.info(text, slot.phase, firing, before[0])
        return bool(before)

    def _before(self, phase: Phase, firing: datetime) -> list[str]:
        """Return the tasks of firings before one that are not done, by their ids."""
        running = [*self._running.since(phase)]
        if not running or self._store.find([firing_key(phase, firing)]):
            return []  # another instance has sent what is at work
        for id_ in (lost := self._running.lost(phase)):
            self._ctx.log.warning("%s", lost_text(phase, id_))
        self._running.end((phase, id_) for id_ in lost)
        return [id_ for id_ in running if id_ not in lost]

    def _tell_overdue(self) -> None:
        now = self._ctx.clock.monotonic()
        if now < self._overdue or not self._topics.alerts:
            return
        book, topic = self._library.book, self._topics.alerts
        store, clock = self._store, self._ctx.clock
        if self.outbox.insist(lambda: store.joins.overdue(1)):
            told = self.outbox.send_from(
                lambda: overdue_alerts(store, book, topic, clock)
            )
            if len(told) == OVERDUE_AT_ONCE:
                return  # there may be more
        self._overdue = now + OVERDUE_EVERY

    def _keep_successes(self) -> None:
        now = self._ctx.clock.monotonic()
        if now >= self._kept:
            self._kept = now + KEEP_EVERY
            self.outbox.insist(partial(self._successes.keep, self._store))

    def _left(self) -> float:
        """Return how long to wait: until something fires or is due."""
        left = LOOK_EVERY  # not longer: others claim, clocks get set, machines sleep
        slot = self.agenda.first()
        if slot is not None and slot.at is not None:
            left = min(left, slot.at.timestamp() - self._ctx.clock.time())
        return max(0.0, self.outbox.left(left))
