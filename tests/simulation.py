"""A launcher's loop in simulated time: slots, bus and clock without any waiting.

The bus thread is the only thread. While it waits, or the bus takes its time, the slots
go on in simulated time.
"""

import heapq
import itertools
import logging
from collections import deque

import attrs
import msgspec

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.api.worker import COMPLETE
from task_core.launcher.handover import Handover
from task_core.launcher.launcher import make_launcher

LOG = logging.getLogger("task.test")
CALL = 0.0002
"""Seconds that each call on the bus takes."""
PLAIN = Capabilities(ack=True, nack=True, lease=True, bounded=True, delay=True)


class World:
    """The clock, and what is due when."""

    def __init__(self):
        self.now = 0.0
        self._due = []
        self._order = itertools.count()

    def monotonic(self):
        return self.now

    def time(self):
        return self.now

    def stamp(self):
        return "2026-01-01T00:00:00Z"

    def second(self):
        return self.stamp(), self.now + 1

    def at(self, moment, act):
        """Let something happen at a moment."""
        heapq.heappush(self._due, (moment, next(self._order), act))

    def go_on(self, seconds, until=lambda: False):
        """Let time pass, or less when something is so before."""
        end = self.now + seconds
        while not until() and self._due and self._due[0][0] <= end:
            self.now, _, act = heapq.heappop(self._due)
            act()
        if not until():
            self.now = end


class SimulatedHandover(Handover):
    """Waits in simulated time."""

    def __init__(self, world):
        super().__init__()
        self.world = world

    def sleep(self, seconds, wake_at):
        self.world.go_on(seconds, lambda: len(self.finished) >= wake_at)


class SimulatedSlots:
    """Runs jobs in simulated time.

    Args:
        count: How many at a time.
        duration: Of a job, in seconds.
        outcome: Of a job.
    """

    def __init__(self, world, handover, count, duration, outcome):
        self.world, self.handover, self.free = world, handover, count
        self.duration, self.outcome = duration, outcome
        self.began = []
        self.running = set()
        self.most_waiting_seconds = 0.0

    def start(self):
        pass

    close = start

    def submit(self, jobs):
        self.handover.waiting.extend(jobs)
        self._take()
        waits = sum(map(self.duration, self.handover.waiting))
        self.most_waiting_seconds = max(self.most_waiting_seconds, waits)

    def held(self):
        return [*self.running]

    def mend(self):
        return 0

    def _take(self):
        while self.free and self.handover.waiting:
            self.free -= 1
            job = self.handover.waiting.popleft()
            self.running.add(job)
            self.began.append((self.world.now, job))
            seconds = self.duration(job)
            self.world.at(self.world.now + seconds, lambda j=job: self._end(j))

    def _end(self, job):
        self.free += 1
        self.running.discard(job)
        job.took, job.outcome = self.duration(job), self.outcome(job)
        self.handover.finished.append(job)
        self._take()


class SimulatedBus(Bus):
    """A bounded stream of tasks, whose calls take their time."""

    def __init__(self, world, infos, capabilities=PLAIN, attempt=lambda info: 1):
        super().__init__("simulated", capabilities)
        self.world = world
        self.left = deque(
            Delivery(b'{"type":"load","info":"%d"}' % info, info, attempt(info))
            for info in infos
        )
        self.held, self.most_held = set(), 0
        self.settled, self.messages, self.given_back = [], [], []
        self.receives = []
        self.handover = None

    def _subscribe(self, topic, channel, **hints):
        return SimulatedConsumer(self, topic, channel)

    def _producer(self):
        return SimulatedProducer(self)


class SimulatedConsumer(Consumer):
    """See `SimulatedBus`."""

    def _receive(self, limit, timeout):
        bus = self.bus
        bus.world.go_on(CALL)
        if not bus.left:
            woken = bus.handover.wake_at
            finished = bus.handover.finished
            bus.world.go_on(timeout, lambda: len(finished) >= woken)
        found = [bus.left.popleft() for _ in range(min(limit, len(bus.left)))]
        bus.receives += [(bus.world.now, len(found))] * bool(found)
        bus.held |= {one.token for one in found}
        bus.most_held = max(bus.most_held, len(bus.held))
        return found

    def _settle(self, deliveries, messages):
        self.bus.world.go_on(CALL)
        self.bus.settled += [one.token for one in deliveries]
        self.bus.messages += messages
        self.bus.held -= {one.token for one in deliveries}

    def _nack(self, deliveries, delay):
        for one in reversed(deliveries):
            back = Delivery(
                one.body, one.token, one.attempt + 1, None, one.returned + 1
            )
            self.bus.left.appendleft(back)
        self.bus.given_back += [one.token for one in deliveries]
        self.bus.held -= {one.token for one in deliveries}

    def _extend(self, deliveries):
        self.bus.world.go_on(CALL)

    def _exhausted(self):
        return not self.bus.left

    def _close(self):
        pass


class SimulatedProducer(Producer):
    """Takes everything."""

    def _send(self, messages):
        self.bus.messages += messages

    def _close(self):
        pass


@attrs.define
class Run:
    """What came of a simulation."""

    world: World
    bus: SimulatedBus
    slots: SimulatedSlots
    loop: object
    launcher: object

    def work(self):
        """Let it run until the stream ends."""
        self.loop.work()
        self.loop.finish()
        return self

    @property
    def began(self):
        """When each task began, in order."""
        return [moment for moment, _ in self.slots.began]

    @property
    def busy(self):
        """The part of the slots' time, from the first to the last task, at work."""
        took = sum(self.slots.duration(job) for _, job in self.slots.began)
        return took / (self.world.now * self.launcher.plan.concurrency)


def simulate(
    count,
    duration,
    *,
    outcome=lambda job: COMPLETE,
    capabilities=PLAIN,
    attempt=lambda info: 1,
    hooks=None,
    **settings,
):
    """Put a loop together that is to do so many tasks.

    Args:
        count: How many.
        duration: Seconds of a task, by its number.
        outcome: Of a job.
        capabilities, attempt: Of the bus, and of each message on it.
        hooks, settings: As for `make_launcher`.
    """
    world = World()
    bus = SimulatedBus(world, range(count), capabilities, attempt)
    launcher = make_launcher(
        lambda info: None,
        bus,
        clock=world,
        log=LOG,
        hooks=hooks,
        topic="load",
        **settings,
    )
    handover = bus.handover = SimulatedHandover(world)
    slots = SimulatedSlots(
        world,
        handover,
        launcher.plan.concurrency,
        lambda job: duration(int(job.task.info)),
        outcome,
    )
    parts = msgspec.structs.replace(launcher.parts, handover=handover, slots=slots)
    launcher.parts = parts
    loop = launcher._loop(bus.subscribe("load", "load"))
    return Run(world, bus, slots, loop, launcher)
