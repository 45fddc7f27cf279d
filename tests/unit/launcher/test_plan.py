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
        (NOTHING, "at most once: a task is lost if its worker is killed;"),
        (ACK, "at least once;"),
        (Capabilities(ack=True, atomic_settle=True), "at least once, settled"),
    ],
)
def test_the_start_line_says_what_is_promised(script, capabilities, words):
    """With topic, channel, slots and prefetch."""
    line = start_line(
        Plan().completed("a"), "w", "thread", script(capabilities=capabilities)
    )
    assert line.startswith(f"worker w on bus script, topic a, channel a: {words}")
    assert line.endswith("thread slots: 1, prefetch: measured")


def test_the_start_line_tells_the_lease_where_there_is_one(script):
    """It says how long others wait for the tasks of a worker that died."""
    bus = script(capabilities=Capabilities(ack=True, lease=True))
    line = start_line(Plan(prefetch=0, lease=90.0).completed("a"), "w", "thread", bus)
    assert line.endswith("prefetch: 0, lease: 1m30s")


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
    with pytest.raises(UnsupportedCapabilityError, match="--require at-least-once"):
        demand(Guarantee.AT_LEAST_ONCE, NOTHING, "stdio")
