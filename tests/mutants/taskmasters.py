"""Wrong taskmasters, each with the rule that catches it."""

import threading
import time
from datetime import UTC, datetime, timedelta

from mutants.plugins import KNOWN, RightTaskmaster, caught_by
from task_core.task import Task


@caught_by(KNOWN, "assert 99 <=")
class LeadsTomorrow(RightTaskmaster):
    """Was written for a core that is not there yet."""

    api = 99


@caught_by("it_sends_what_it_should", "assert")
class SendsInAnotherOrder(RightTaskmaster):
    """Begins with the end."""

    def run(self, ctx):
        for number in (2, 1):
            ctx.send(Task.new("load", str(number)))
        super().run(ctx)


@caught_by("it_sends_the_same_in_the_same_situation", "clock=ctx.clock")
class StampsRealTime(RightTaskmaster):
    """Makes tasks without telling them its clock."""

    def answer(self, ctx, task):
        ctx.send(Task.new("load", task.info))


@caught_by("it_sends_the_same_in_the_same_situation", "assert")
class UsesRealTime(RightTaskmaster):
    """Asks the system instead of `ctx.clock`."""

    def run(self, ctx):
        ctx.send(Task.new("load", datetime.now(UTC).isoformat()))
        super().run(ctx)


@caught_by("what_it_sends_can_be_carried", "assert")
class SendsNoType(RightTaskmaster):
    """Leaves out the one thing that must be there."""

    def run(self, ctx):
        ctx.send(Task(type="", info="x"), "somewhere")
        super().run(ctx)


@caught_by("what_it_reads_is_settled_with_what_it_sends", "assert")
class LeavesAfterTheFirst(RightTaskmaster):
    """Does not read to the end."""

    def run(self, ctx):
        for task in ctx.deliveries("events", "kit"):
            self.answer(ctx, task)
            return


@caught_by("it_returns_when_it_is_stopped", "did not return after it was told")
class IgnoresTheStop(RightTaskmaster):
    """Waits without looking."""

    def run(self, ctx):
        rest = datetime.now(UTC) + timedelta(seconds=3)
        while datetime.now(UTC) < rest:
            ctx.wait(0.05)


@caught_by("it_returns_when_it_is_stopped", "did not return after it was told")
class WaitsForWhatDoesNotHearTheStop(RightTaskmaster):
    """Looks for a stop, but not while it waits."""

    def run(self, ctx):
        while not ctx.stopping:
            threading.Event().wait(3600)


@caught_by("it_sends_what_it_should", "did not return after it was told")
class SleepsForEver(RightTaskmaster):
    """Lets real time pass, and looks at nothing."""

    def run(self, ctx):
        while True:
            time.sleep(0.1)


@caught_by("each_of_its_loops_takes_a_context", "TypeError: too many positional")
class HasALoopWithoutContext(RightTaskmaster):
    """Expects to find what it needs elsewhere."""

    def loops(self):
        return [self.run, lambda: None]


@caught_by("it_tells_facts_about_itself", "TypeError|AttributeError")
class HasNoFacts(RightTaskmaster):
    """Can tell something only while it runs."""

    def info(self):
        return {"waits": self.waits}


@caught_by("it_prints_nothing", "assert")
class PrintsWhatItSends(RightTaskmaster):
    """Writes into the data."""

    def answer(self, ctx, task):
        print(task.info)
        super().answer(ctx, task)
