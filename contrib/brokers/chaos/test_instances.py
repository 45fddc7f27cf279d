"""Two instances of a taskmaster that are killed at random, over brokers and stores.

The broker and the server of the store are restarted in between, and the latter is
frozen before. All that is owed comes; what comes twice was in flight, and is the same
to the byte. Nothing is late by more than one lease.

`CHAOS_RUNS=20` runs twenty seeds, from `CHAOS_SEED` on; `CHAOS_ALL=1` all pairs of a
bus and a store; `CHAOS_KILLS=50` kills longer.
"""

import contextlib
import gc
import os

import pytest
from brokers.cells import open_cell
from brokers.instances import Instances, Seen, check, kill_at_random
from brokers.lateness import check_lateness
from brokers.scenarios import Files, Http, Retry
from cron_instances import Cron, moment

RUNS = int(os.environ.get("CHAOS_RUNS", "1"))
FIRST = int(os.environ.get("CHAOS_SEED", "0"))
KILLS = int(os.environ.get("CHAOS_KILLS", "2"))
TAKES = {
    "cron": lambda cell, folder, seed: Cron(folder, cell.store),
    "files": lambda cell, folder, seed: Files(folder, cell.store),
    "http": lambda cell, folder, seed: Http(cell.store, seed),
    "retry": lambda cell, folder, seed: Retry(folder, cell.bus, cell.store),
}
SOME = [
    ("cron", "kafka", "postgres"),
    ("files", "nsq", "postgres"),
    ("files", "kafka", "file"),
    ("http", "nsq", "postgres"),
    ("http", "kafka", "file"),
    ("retry", "nsq", "postgres"),
    ("retry", "kafka", "file"),
]
ALL = [
    (taskmaster, bus, store)
    for taskmaster in TAKES
    for bus in ("sqlite", "nsq", "kafka")
    for store in ("file", "postgres")
]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
@pytest.mark.parametrize(
    ("taskmaster", "bus", "store"), ALL if os.environ.get("CHAOS_ALL") else SOME
)
def test_two_instances_send_all_that_is_owed_whoever_is_killed(
    taskmaster, bus, store, seed, tmp_path, record_property
):
    """Nothing is lost, on every bus and in both stores."""
    with contextlib.ExitStack() as stack:
        cell = open_cell(stack, tmp_path, bus, store, ["tick", "load", "done"])
        scenario = TAKES[taskmaster](cell, tmp_path, seed)
        consumer = cell.bus.subscribe(scenario.topic, "check")
        instances = Instances(tmp_path, scenario, cell.url)
        stack.callback(instances.stop)
        seen = Seen(consumer)
        kill_at_random(scenario, instances, seen, seed, cell.trouble, KILLS)
        due = (moment,) if taskmaster == "cron" else ()
        check_lateness(
            cell.store, scenario.lease, instances.there, record_property, *due
        )
    gc.collect()  # here, where sockets of a broker that went are known to be left
    check(scenario, seen, record_property, KILLS)
    if taskmaster != "cron":  # time goes on
        assert seen.bodies.keys() == scenario.owed(), "nobody has caused these"
