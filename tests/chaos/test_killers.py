"""Tasks that kill their worker are put aside, and nobody with them.

`CHAOS_RUNS=20` runs every combination; a few, others for each `CHAOS_SEED`, are enough
for every day.
"""

import itertools
import os
import random
from collections import Counter

import pytest
from killers import INNOCENTS, Killers
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusContext

RUNS = int(os.environ.get("CHAOS_RUNS", "4"))
EVERY = list(itertools.product([1, 2, 3, 4], [1, 4, 8, 16], [1, 3, 5], [None, 0, 20]))
SEED = int(os.environ.get("CHAOS_SEED", "9"))
CHOSEN = random.Random(SEED).sample(EVERY, min(RUNS, len(EVERY)))
if RUNS >= 20:
    CHOSEN = EVERY


@pytest.fixture
def bus(tmp_path):
    options = SqliteOptions(path=str(tmp_path / "task.db"))
    bus = sqlite.open(options, BusContext())
    yield bus
    bus.close()


@pytest.mark.parametrize(("killers", "slots", "attempts", "prefetch"), CHOSEN)
def test_killers_are_dead_once_and_innocents_done(
    tmp_path, bus, killers, slots, attempts, prefetch
):
    """However many slots, whatever `--max-attempts`, lazily and windowed."""
    flags = ["-c", str(slots), "--max-attempts", str(attempts)]
    if prefetch is not None:
        flags += ["--prefetch", str(prefetch)]
    scenario = Killers(tmp_path, "sqlite", bus, *flags, most=prefetch)
    choose = random.Random(f"{SEED} {killers} {slots} {attempts} {prefetch}")
    scenario.send(*[choose.randrange(INNOCENTS) for _ in range(killers)])
    scenario.run()
    scenario.check(killers, slots)


@pytest.mark.parametrize("attempts", [1, 5])
def test_two_killers_held_together_take_nobody_with_them(tmp_path, bus, attempts):
    """What lies between them is never their neighbour for long."""
    flags = ("--prefetch", "20", "--max-attempts", str(attempts))
    scenario = Killers(tmp_path, "sqlite", bus, *flags)
    scenario.send(1, 5)
    scenario.run()
    scenario.check(2, 21)


@pytest.mark.parametrize(("killers", "attempts", "prefetch"), [(2, 3, None), (3, 5, 0)])
def test_killers_in_processes_cost_nobody_a_second_run(
    tmp_path, bus, killers, attempts, prefetch
):
    """The launcher goes on; who killed is known, so that innocents run once."""
    flags = ["--pool", "process", "-c", "2", "--max-attempts", str(attempts)]
    if prefetch is not None:
        flags += ["--prefetch", str(prefetch)]
    scenario = Killers(tmp_path, "sqlite", bus, *flags)
    choose = random.Random(f"processes{killers}{attempts}")
    scenario.send(*[choose.randrange(INNOCENTS) for _ in range(killers)])
    scenario.run(most_deaths=1)
    scenario.check(killers, 2)
    lines = (tmp_path / "runs.log").read_text().splitlines()
    runs = Counter(line.split()[1] for line in lines if line.startswith("run "))
    killed = {f"killer-{number}": attempts for number in range(killers)}
    innocents = {f"innocent-{number}": 1 for number in range(INNOCENTS)}
    assert runs == killed | innocents
