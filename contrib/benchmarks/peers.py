"""What one would take instead: other systems on the same broker, in the same run.

Tasks do nothing, in one process, each system with its defaults; all acknowledge after
the work where they can, and none keeps results (Procrastinate keeps the row of each).
"""

import os
import subprocess
import tempfile
from pathlib import Path

import attrs

COUNT = """
import itertools, os, time
N, number, began = int(os.environ["TASKS"]), itertools.count(1), 0.0

def count():
    global began
    seen = next(number)  # at once, whatever other threads do
    if seen == 1:
        began = time.perf_counter()
    if seen == N:
        rate = (N - 1) / (time.perf_counter() - began)
        open("rate", "w").write(str(rate))
"""
MANY = 'import os; N = int(os.environ["TASKS"])\n'
TURNS = 1200
"""Tenths of a second until a peer has to be at its end."""


@attrs.frozen
class Peer:
    """Another system.

    Args:
        module: Source of `peer.py`, where its task is.
        send: Source of a program that sends the tasks.
        work: Arguments of Python that start its worker.
    """

    module: str
    send: str
    work: tuple[str, ...]


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
HUEY = """
import os
from huey import RedisHuey, SqliteHuey
from count import count
url = os.environ["URL"]
path = os.path.join(os.path.dirname(__file__), "huey.db")
huey = SqliteHuey(filename=path) if url.startswith("sqlite") else RedisHuey(url=url)

@huey.task()
def nop(n):
    count()
"""
TASKIQ = """
import asyncio, os
from count import count
url = os.environ["URL"]
if url.startswith("nats"):
    from taskiq_nats import PullBasedJetStreamBroker
    broker = PullBasedJetStreamBroker([url], queue="peers", pull_consume_batch=100)
else:
    from taskiq_redis import RedisStreamBroker
    broker = RedisStreamBroker(url=url)

@broker.task
async def nop(n: int) -> None:
    count()

async def send():
    await broker.startup()
    for n in range(int(os.environ["TASKS"])):
        await nop.kiq(n)
    await broker.shutdown()
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
        if not await app.check_connection_async():  # a round before has made it
            await app.schema_manager.apply_schema_async()
        numbers = range(int(os.environ["TASKS"]))
        await nop.batch_defer_async(*({"n": n} for n in numbers))
"""
EACH = f"{MANY}from peer import nop\nfor n in range(N): "
TOGETHER = "import asyncio, peer; asyncio.run(peer.send())"
CELERY_WORKER = ("-m", "celery", "-A", "peer", "worker", "-l", "error", "-P")
HUEY_WORKER = ("-m", "huey.bin.huey_consumer", "peer.huey", "-w")
PROCRASTINATE_WORKER = ("-m", "procrastinate", "--app", "peer.app", "worker")
DRAMATIQ_WORKER = ("-m", "dramatiq", "peer", "-p", "1", "-t")
taskiq = Peer(TASKIQ, TOGETHER, ("-m", "taskiq", "worker", "peer:broker", "-w", "1"))
huey = {
    "huey, 1 thread": Peer(HUEY, f"{EACH}nop(n)", (*HUEY_WORKER, "1")),
    "huey, 8 threads": Peer(HUEY, f"{EACH}nop(n)", (*HUEY_WORKER, "8")),
}
PEERS = {
    "sqlite": huey,
    "redis": {
        "dramatiq, 1": Peer(DRAMATIQ, f"{EACH}nop.send(n)", (*DRAMATIQ_WORKER, "1")),
        "dramatiq, 8": Peer(DRAMATIQ, f"{EACH}nop.send(n)", (*DRAMATIQ_WORKER, "8")),
        "Celery, solo": Peer(CELERY, f"{EACH}nop.delay(n)", (*CELERY_WORKER, "solo")),
        "Celery, 8 threads": Peer(
            CELERY, f"{EACH}nop.delay(n)", (*CELERY_WORKER, "threads", "-c", "8")
        ),
        "taskiq": taskiq,
        **huey,
    },
    "nats": {"taskiq": taskiq},
    "postgres": {
        "Procrastinate": Peer(PROCRASTINATE, TOGETHER, PROCRASTINATE_WORKER),
        "Procrastinate, 8": Peer(
            PROCRASTINATE, TOGETHER, (*PROCRASTINATE_WORKER, "--concurrency", "8")
        ),
    },
}
"""By bus and name."""


def rate_of(peer: Peer, url: str, python: str, count: int) -> float:
    """Send tasks, then work them; return how many in a second.

    Args:
        peer: Who.
        url: Of the broker.
        python: A Python that has the peer.
        count: How many tasks.

    Raises:
        TimeoutError: It does not come to its end; its log is in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "count.py").write_text(COUNT)
        (place / "peer.py").write_text(peer.module)
        here = {"TASKS": str(count), "URL": url, "PYTHONPATH": folder}
        environment = {**os.environ, **here}
        sends = [python, "-c", peer.send]
        subprocess.run(sends, cwd=folder, env=environment, check=True)
        with (place / "log").open("w") as log:
            process = subprocess.Popen(
                [python, *peer.work],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            return _await(place, process)
        finally:
            os.killpg(process.pid, 9)
            process.wait()


def _await(place: Path, process: "subprocess.Popen[bytes]") -> float:
    """Wait until the last task is done."""
    rate = place / "rate"
    for _ in range(TURNS):
        if rate.exists() and (text := rate.read_text()):
            return float(text)
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    log = (place / "log").read_text()[-2000:]
    raise TimeoutError(f"it does not come to its end:\n{log}")
