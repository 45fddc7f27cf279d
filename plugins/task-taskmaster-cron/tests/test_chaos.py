"""Two instances that are killed at random: nothing is lost, and nothing is another's.

`CHAOS_RUNS=20` runs twenty seeds, from `CHAOS_SEED` on. `contrib/brokers/chaos` does
the same over brokers and PostgreSQL.
"""

import os

import pytest
from brokers.instances import Instances, Seen, check, kill_at_random
from brokers.lateness import check_lateness
from cron_instances import Cron, moment
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusContext

RUNS = int(os.environ.get("CHAOS_RUNS", "1"))
FIRST = int(os.environ.get("CHAOS_SEED", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_two_instances_send_each_firing_whoever_is_killed(
    seed, tmp_path, record_property
):
    """What comes twice was in flight, the same to the byte; late by at most a lease."""
    path = tmp_path / "bus.db"
    bus = sqlite.open(SqliteOptions(path=str(path)), BusContext())
    store = str(tmp_path / "store.db")
    scenario = Cron(tmp_path, store)
    seen = Seen(bus.subscribe("tick", "check"))
    instances = Instances(tmp_path, scenario, f"sqlite://{path}")
    try:
        kill_at_random(scenario, instances, seen, seed)
    finally:
        instances.stop()
        bus.close()
    check(scenario, seen, record_property)
    there = instances.there
    check_lateness(store, scenario.lease, there, record_property, moment)
