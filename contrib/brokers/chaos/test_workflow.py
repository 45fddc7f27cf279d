"""Two instances of workflow that are killed at random, over brokers and both stores.

The broker and the server of the store are restarted in between, and done messages come
twice. Each firing is followed to its end; what is sent twice was in flight, and is the
same to the byte. `CHAOS_RUNS=20` runs twenty seeds, from `CHAOS_SEED` on;
`CHAOS_ALL=1` all pairs of a bus and a store.
"""

import contextlib
import gc
import itertools
import os

import pytest
from brokers.cells import open_cell
from brokers.lateness import check_lateness
from task_store.store import LEASE
from workflow_instances import TOPICS, Instances, check, kill_at_random, moment

RUNS = int(os.environ.get("CHAOS_RUNS", "1"))
FIRST = int(os.environ.get("CHAOS_SEED", "0"))
SOME = [("nsq", "postgres"), ("kafka", "file")]
ALL = list(itertools.product(("sqlite", "nsq", "kafka"), ("file", "postgres")))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
@pytest.mark.parametrize(("bus", "store"), ALL if os.environ.get("CHAOS_ALL") else SOME)
def test_two_instances_follow_each_firing_whoever_is_killed(
    bus, store, seed, tmp_path, record_property
):
    """Nothing is lost; a done message that comes twice starts nothing twice."""
    with contextlib.ExitStack() as stack:
        cell = open_cell(stack, tmp_path, bus, store, [*TOPICS, "done"])
        instances = Instances(tmp_path, cell.url, cell.store)
        stack.callback(instances.stop)
        bodies = kill_at_random(instances, cell.bus, seed, cell.trouble)
        check_lateness(cell.store, LEASE, instances.there, record_property, moment)
    gc.collect()  # here, where sockets of a broker that went are known to be left
    check(bodies, record_property)
