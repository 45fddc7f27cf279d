"""What was confirmed outlives the server, and what is held outlives a connection."""

import pytest
from brokers.crashes import CrashRules, LostRules
from brokers.redis import Redis


@pytest.fixture(scope="module")
def own(start):
    """A server that this module may kill."""
    return start(Redis)


class TestCrashes(CrashRules, LostRules):
    pass
