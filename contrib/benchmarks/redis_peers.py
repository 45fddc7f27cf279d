"""What others do on the same Redis with tasks that do nothing, in one process.

    PYTHONPATH=contrib python contrib/benchmarks/redis_peers.py --python PEERS

`PEERS` is a Python that has dramatiq, taskiq with taskiq-redis, and Celery, each with
its extra for Redis. All acknowledge after the work; none keeps results. `task launch`
sends a done task for each besides. Rates are from the first to the last task.
"""

import argparse
import statistics
import sys

from brokers.redis import Redis
from peers import Peer, rate_of

OURS_SEND = """
import os
from task_core.api import Task
from task_core import connect

with connect(os.environ["URL"]) as tasks:
    tasks.send_many([Task.new("nop", str(n)) for n in range(int(os.environ["TASKS"]))])
"""
DRAMATIQ = """
import os, dramatiq
from dramatiq.brokers.redis import RedisBroker
from count import count
broker = RedisBroker(url=os.environ["URL"])
dramatiq.set_broker(broker)

@dramatiq.actor
def nop(n):
    count()
"""
TASKIQ = """
import asyncio, os
from taskiq_redis import RedisStreamBroker
from count import count
broker = RedisStreamBroker(url=os.environ["URL"])

@broker.task
async def nop(n: int) -> None:
    count()

async def send():
    await broker.startup()
    for n in range(int(os.environ["TASKS"])):
        await nop.kiq(n)
    await broker.shutdown()
"""
CELERY = """
import os
from celery import Celery
from count import count
app = Celery("peer_celery", broker=os.environ["URL"])
app.conf.update(task_ignore_result=True, task_acks_late=True,
                worker_prefetch_multiplier=100)

@app.task
def nop(n):
    count()
"""
MANY = 'import os; N = int(os.environ["TASKS"])\n'
TASK = (sys.executable, "-m", "task_core", "launch", "-w", "worker.py:nop", "--bus")
PEERS: dict[str, Peer] = {
    "task launch": (None, OURS_SEND, (*TASK, "$URL", "--topic", "nop")),
    "task launch -c 8": (None, OURS_SEND, (*TASK, "$URL", "--topic", "nop", "-c", "8")),
    "dramatiq, 1 thread": (
        DRAMATIQ,
        f"{MANY}from peer import nop\nfor n in range(N): nop.send(n)",
        ("-m", "dramatiq", "peer", "-p", "1", "-t", "1"),
    ),
    "dramatiq, 8 threads": (
        DRAMATIQ,
        f"{MANY}from peer import nop\nfor n in range(N): nop.send(n)",
        ("-m", "dramatiq", "peer", "-p", "1", "-t", "8"),
    ),
    "taskiq": (
        TASKIQ,
        "import asyncio, peer; asyncio.run(peer.send())",
        ("-m", "taskiq", "worker", "peer:broker", "--workers", "1"),
    ),
    "Celery, solo": (
        CELERY,
        f"{MANY}from peer import nop\nfor n in range(N): nop.delay(n)",
        ("-m", "celery", "-A", "peer", "worker", "-P", "solo", "-l", "error"),
    ),
    "Celery, 8 threads": (
        CELERY,
        f"{MANY}from peer import nop\nfor n in range(N): nop.delay(n)",
        ("-m", "celery", "-A", "peer", "worker", "-P", "threads", "-c", "8"),
    ),
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
            with Redis() as server:
                rate = rate_of(peer, server.url, options.python, count)
            rates.setdefault(name, []).append(rate)
            print(f"  {name}: {rate:,.0f}/s", file=sys.stderr)
    print("tasks that do nothing, one process, medians")
    for name, found in rates.items():
        print(f"{name:24}{statistics.median(found):>10,.0f}/s")


if __name__ == "__main__":
    main()
