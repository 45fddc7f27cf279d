"""The launcher: opens, works its shift, closes.

One thread, the bus thread, makes every call on the bus; `Launcher.run` is its life.
Other threads only call `stop`.
"""

from typing import Any

from task_core.launcher.custody import Custody
from task_core.launcher.leases import FOREVER, Leases
from task_core.launcher.plan import Equipment, Plan
from task_core.launcher.settling import Settler
from task_core.launcher.shift import STALLED, Shift
from task_core.launcher.watchdog import Watchdog
from task_core.launcher.wrappers import names_of


class Launcher:
    """Runs one worker type against one bus.

    Args:
        plan: What to do.
        equipment: What to do it with; the launcher closes the bus.
    """

    def __init__(self, plan: Plan, equipment: Equipment) -> None:
        self._plan = plan
        self._equipment = equipment
        self._shift: Shift | None = None
        self._stops = 0
        self._watchdog = Watchdog(
            equipment.bus, plan.topic, plan.channel, equipment.clock, equipment.log
        )

    @property
    def started(self) -> bool:
        """Whether the bus could be used, and tasks may have been received."""
        return self._shift is not None

    @property
    def running(self) -> int:
        """How many tasks are held now, or finished and not settled."""
        return self._shift.running if self._shift else 0

    def snapshot(self) -> dict[str, Any]:
        """Return the counts so far, in the shape of the Go system's status page."""
        equipment, plan = self._equipment, self._plan
        return equipment.stats.snapshot(
            buses=names_of(equipment.bus),
            topic=plan.topic,
            channel=plan.channel,
            running=min(equipment.window.slots, self.running),
        )

    def stop(self) -> None:
        """Stop: first with the kill time's grace, then at once (any thread)."""
        self._stops += 1
        if self._shift:
            self._shift.stop(self._stops)

    def run(self) -> None:
        """Work until the end of input, a limit, or `stop`.

        Raises:
            BusError: The bus failed; what could be given back was given back.
        """
        equipment = self._equipment
        try:
            self._prepare()
            shift = self._begin()
            equipment.slots.start()
            equipment.log.info("%s", self._plan.guarantee)
            self._tell("launcher_started", guarantee=self._plan.guarantee)
            while (reason := shift.work()) == STALLED:
                equipment.log.warning("%s: subscribing anew", reason)
                shift = shift.hand_over(self._begin)
            equipment.log.debug("receiving no more: %s", reason)
            self._tell("launcher_stopping", reason=reason)
            shift.finish()
        finally:
            equipment.exchange.recall()  # after a failure: no more than is begun
            equipment.cancel.request()
            equipment.slots.close()
            equipment.bus.close()
            self._tell("launcher_stopped", stats=self.snapshot())

    def _begin(self) -> Shift:
        """Open, and see whether somebody has stopped us meanwhile."""
        self._shift = self._open()
        if self._stops:
            self._shift.stop(self._stops)
        return self._shift

    def _prepare(self) -> None:
        """Check what will be written, before anything is read."""
        topics = [self._plan.done_topic, self._plan.dead_topic]
        self._equipment.bus.prepare(topics)

    def _open(self) -> Shift:
        """Start to read."""
        plan, bus = self._plan, self._equipment.bus
        consumer = bus.subscribe(plan.topic, plan.channel)
        self._tell("bus_opened", bus=bus)
        stats, clock = self._equipment.stats, self._equipment.clock
        settler = Settler(
            consumer,
            plan.done_topic,
            self._equipment.retries,
            stats,
            self._equipment.hooks,
        )
        custody = Custody(bus, consumer, settler, stats, clock)
        lease = plan.lease if bus.capabilities.lease else FOREVER
        leases = Leases(consumer, lease, clock)
        return Shift(
            plan, self._equipment, consumer, settler, custody, leases, self._watchdog
        )

    def _tell(self, hook: str, **facts: object) -> None:
        if observer := self._equipment.hooks.observer(hook):
            observer(**facts)
