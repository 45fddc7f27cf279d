"""What others do on the same Redis with tasks that do nothing, in one process.

    PYTHONPATH=contrib python contrib/benchmarks/redis_peers.py --python PEERS

`PEERS` is a Python that has dramatiq, taskiq with taskiq-redis, and Celery, each with
its extra for Redis. All acknowledge after the work; none keeps results. `task launch`
sends a done task for each besides. Rates are from the first to the last task.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from brokers.redis import Redis

COUNT = """
import os, time
N, seen, began = int(os.environ["TASKS"]), 0, 0.0

def count():
    global seen, began
    seen += 1
    if seen == 1:
        began = time.perf_counter()
    if seen == N:
        rate = (N - 1) / (time.perf_counter() - began)
        open("rate", "w").write(str(rate))
"""
OURS = """
from count import count
from task_core.api import worker

@worker
def nop(info: str):
    count()
"""
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
PEERS: dict[str, "Peer"] = {
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


Peer = tuple[str | None, str, tuple[str, ...]]


def rate_of(peer: Peer, url: str, python: str, count: int) -> float:
    """Send tasks, then work them; return how many in a second."""
    module, send, work = peer
    ours = module is None
    program = sys.executable if ours else python
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "count.py").write_text(COUNT)
        (place / "worker.py").write_text(OURS)
        (place / "peer.py").write_text(module or "")
        known = os.environ.get("PYTHONPATH", "") if ours else ""
        here = {"TASKS": str(count), "URL": url, "PYTHONPATH": f"{folder}:{known}"}
        environment = {**os.environ, **here}
        run = [program, "-c", send]
        subprocess.run(run, cwd=folder, env=environment, check=True)
        words = [url if word == "$URL" else word for word in work]
        with (place / "log").open("w") as log:
            process = subprocess.Popen(
                words if ours else [program, *words],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            return _await(place / "rate", process)
        except TimeoutError:
            print((place / "log").read_text()[-2000:])
            raise
        finally:
            os.killpg(process.pid, 9)
            process.wait()


def _await(rate: Path, process: "subprocess.Popen[bytes]") -> float:
    """Wait until the last task is done."""
    for _ in range(1200):
        if rate.exists() and (text := rate.read_text()):
            return float(text)
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise TimeoutError("it does not come to its end")


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
