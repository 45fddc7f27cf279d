"""Rules of guarantees: no more is promised than the bus can keep."""

import pytest

from task_core.api.capabilities import Capabilities
from task_core.errors import UnsupportedCapabilityError
from task_core.launcher.guarantee import Guarantee, demand, guarantee_of, meaning

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


def test_each_guarantee_has_its_words():
    """For the line at the start."""
    assert all(map(meaning, Guarantee))


def test_a_bus_that_gives_less_than_is_wanted_is_refused():
    """One that gives more is not."""
    demand(Guarantee.AT_MOST_ONCE, ACK, "nsq")
    demand(Guarantee.AT_LEAST_ONCE, ACK, "nsq")
    with pytest.raises(UnsupportedCapabilityError, match="bus 'nsq' gives at-least"):
        demand(Guarantee.ATOMIC, ACK, "nsq")
    with pytest.raises(UnsupportedCapabilityError, match="--require at-least-once"):
        demand(Guarantee.AT_LEAST_ONCE, NOTHING, "stdio")
