"""Rules of `task_core.launcher.plan`: no more is promised than the bus can keep."""

import pytest

from task_core.api.capabilities import Capabilities
from task_core.errors import UnsupportedCapabilityError
from task_core.launcher.plan import Guarantee, Plan, demand, guarantee_of, start_line

NOTHING = Capabilities()
ACK = Capabilities(ack=True, nack=True)


@pytest.mark.parametrize(
    ("capabilities", "guarantee"),
    [
        (NOTHING, Guarantee.AT_MOST_ONCE),
        (Capabilities(nack=True), Guarantee.AT_MOST_ONCE),
        (Capabilities(atomic_settle=True), Guarantee.AT_MOST_ONCE),
        (ACK, Guarantee.AT_LEAST_ONCE),
        (Capabilities(ack=True, lease=True), Guarantee.AT_LEAST_ONCE),
        (Capabilities(ack=True, nack=True, atomic_settle=True), Guarantee.ATOMIC),
    ],
)
def test_the_guarantee_follows_from_the_capabilities(capabilities, guarantee):
    """Nothing undeclared is promised."""
    assert guarantee_of(capabilities) is guarantee


@pytest.mark.parametrize(
    ("capabilities", "words"),
    [
        (NOTHING, "at most once: a task is lost if its worker is killed"),
        (ACK, "at least once: what a killed worker had comes again"),
        (
            Capabilities(ack=True, atomic_settle=True),
            "at least once, settled atomically: what a killed worker had comes again",
        ),
    ],
)
def test_the_start_line_says_what_is_promised(script, capabilities, words):
    """Where tasks come from, where done ones go, how many at a time, how safe."""
    plan, bus = Plan().completed("a"), script(capabilities=capabilities)
    assert start_line(plan, "w", "thread", bus) == (
        "worker w on bus script: reads topic a and sends done tasks to done;"
        f" 1 thread slot; {words}"
    )


def test_the_start_line_tells_of_channel_buffer_lease_and_timeout(script):
    """Where there is one; the lease is how long others wait for a dead one's tasks."""
    bus = script(capabilities=Capabilities(ack=True, lease=True, channels=True))
    plan = Plan(prefetch=0, lease=90.0, timeout=300.0, concurrency=4).completed("a")
    assert start_line(plan, "w", "thread", bus) == (
        "worker w on bus script: reads topic a by channel a and sends done tasks to"
        " done; 4 thread slots, prefetch 0, timeout 5m0s; at least once: what a killed"
        " worker had comes again after 1m30s"
    )


def test_names_that_a_plan_leaves_open_follow_from_the_task_type():
    """Those that it gives stay."""
    plan = Plan().completed("load")
    assert (plan.topic, plan.channel, plan.dead_topic) == ("load", "load", "load.dead")
    plan = Plan(topic="t", channel="c", dead_topic="d.dead").completed("load")
    assert (plan.topic, plan.channel, plan.dead_topic) == ("t", "c", "d.dead")


def test_a_bus_that_gives_less_than_is_wanted_is_refused():
    """One that gives more is not."""
    demand(Guarantee.AT_MOST_ONCE, ACK, "nsq")
    demand(Guarantee.AT_LEAST_ONCE, ACK, "nsq")
    with pytest.raises(UnsupportedCapabilityError, match="bus 'nsq' gives at-least"):
        demand(Guarantee.ATOMIC, ACK, "nsq")
    with pytest.raises(
        UnsupportedCapabilityError, match="^--require at-least-once: bus 'stdio'"
    ):
        demand(Guarantee.AT_LEAST_ONCE, NOTHING, "stdio", "--require at-least-once")
