"""Rules of `task_core.launcher.drain`."""

import logging
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from task_core.api.bus import ChannelState
from task_core.api.capabilities import Capabilities
from task_core.launcher.drain import Drain

PLAN = SimpleNamespace(topic="load", channel="load")


@pytest.mark.parametrize(
    ("state", "empty"),
    [
        (ChannelState("load", 0, 0), True),
        (ChannelState("load", 0, None), True),
        (ChannelState("load", 0, 1), False),
        (ChannelState("load", 1, 0), False),
        (ChannelState("other", 1, 1), True),
    ],
)
def test_what_is_given_back_between_two_looks_is_no_end(state, empty):
    """It was held when what waits was counted, and waits when what is held is."""
    bus = Mock(capabilities=Capabilities(depth=True))
    bus.depth.return_value = 0
    bus.channels.return_value = [state]
    clock = Mock()
    clock.monotonic.return_value = 100.0
    drain = Drain(PLAN, bus, clock, logging.getLogger("test"))
    assert drain.is_empty(0.0) is empty
