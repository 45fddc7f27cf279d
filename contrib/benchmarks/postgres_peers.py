"""What others do on the same PostgreSQL with tasks that do nothing, in one process.

    PYTHONPATH=contrib python contrib/benchmarks/postgres_peers.py --python PEERS

`PEERS` is a Python that has Procrastinate and `psycopg[binary]`. Both acknowledge after
the work. `task launch` sends a done task for each besides, and Procrastinate keeps the
row of each. Rates are from the first to the last task.
"""

import argparse
import statistics
import sys

from brokers.postgres import Postgres
from peers import rate_of

OURS_SEND = """
import os
from task_core.api import Task
from task_core import connect

with connect(os.environ["URL"]) as tasks:
    tasks.send_many([Task.new("nop", str(n)) for n in range(int(os.environ["TASKS"]))])
"""
PROCRASTINATE = """
import os
from procrastinate import App, PsycopgConnector
from count import count
app = App(connector=PsycopgConnector(conninfo=os.environ["URL"]))

@app.task(name="nop")
async def nop(n):
    count()

async def send():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        numbers = range(int(os.environ["TASKS"]))
        await nop.batch_defer_async(*({"n": n} for n in numbers))
"""
TASK = (sys.executable, "-m", "task_core", "launch", "-w", "worker.py:nop", "--bus")
SEND = "import asyncio, peer; asyncio.run(peer.send())"
WORK = ("-m", "procrastinate", "--app", "peer.app", "worker", "--concurrency")
PEERS = {
    "task launch": (None, OURS_SEND, (*TASK, "$URL", "--topic", "nop")),
    "task launch -c 8": (None, OURS_SEND, (*TASK, "$URL", "--topic", "nop", "-c", "8")),
    "Procrastinate": (PROCRASTINATE, SEND, (*WORK, "1")),
    "Procrastinate, 8": (PROCRASTINATE, SEND, (*WORK, "8")),
}
"""By name: the module of its task, what sends the tasks, and what works them."""


def main() -> None:
    """Take turns, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True)
    parser.add_argument("--tasks", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, peer in PEERS.items():
            count = options.tasks * (10 if name.startswith("task") else 1)
            with Postgres() as server:
                rate = rate_of(peer, server.url, options.python, count)
            rates.setdefault(name, []).append(rate)
            print(f"  {name}: {rate:,.0f}/s", file=sys.stderr)
    print("tasks that do nothing, one process, medians")
    for name, found in rates.items():
        print(f"{name:24}{statistics.median(found):>10,.0f}/s")


if __name__ == "__main__":
    main()
