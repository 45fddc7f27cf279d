"""Two instances that are killed at random: nothing is lost, and nothing is another's.

`CHAOS_RUNS=20` runs twenty seeds, from `CHAOS_SEED` on. `contrib/brokers/chaos` does
the same over brokers and PostgreSQL.
"""

import os

import pytest
from cron_instances import Instances, check, kill_at_random
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusContext

RUNS = int(os.environ.get("CHAOS_RUNS", "1"))
FIRST = int(os.environ.get("CHAOS_SEED", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_two_instances_send_each_firing_whoever_is_killed(
    seed, tmp_path, record_property
):
    """What comes twice was in flight, and is the same to the byte."""
    path = tmp_path / "bus.db"
    bus = sqlite.open(SqliteOptions(path=str(path)), BusContext())
    consumer = bus.subscribe("tick", "check")
    instances = Instances(tmp_path, f"sqlite://{path}", str(tmp_path / "store.db"))
    try:
        seen, _ = kill_at_random(instances, consumer, seed)
    finally:
        instances.stop()
        bus.close()
    check(seen, record_property)
