"""How fast the bus `sqlite` is, beside a bare loop of the same durability.

    python contrib/benchmarks/sqlite_bus.py [--messages 20000] [--rounds 7]

The bare loop claims and deletes rows of one table with the standard library alone; it
knows no topics, no channels and no delays, and nobody checks whose a row is. Both take
turns in one run; what counts is the median of the ratios, round by round.
"""

import argparse
import multiprocessing
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import Bus, BusContext
from task_core.api.message import Message

TASK = (
    b'{"type":"load","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    b'"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012"}'
)
DONE = TASK[:-1] + b',"result":"complete","started":"2026-01-01T00:00:01Z"}'
CLAIM_ONE = """
    UPDATE queue SET state = 1, lease = ? WHERE id =
    (SELECT id FROM queue WHERE state = 0 ORDER BY id LIMIT ?) RETURNING id, body
"""
CLAIM_MANY = CLAIM_ONE.replace("id =", "id IN", 1)


def bare_file(path: Path) -> sqlite3.Connection:
    """Open the bare loop's table."""
    file = sqlite3.connect(path, isolation_level=None, timeout=60)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = NORMAL")
    file.executescript(
        """
        CREATE TABLE IF NOT EXISTS queue (
            id INTEGER PRIMARY KEY, state INTEGER DEFAULT 0, lease REAL, body BLOB
        );
        CREATE INDEX IF NOT EXISTS ready ON queue (id) WHERE state = 0;
        CREATE TABLE IF NOT EXISTS done (id INTEGER PRIMARY KEY, body BLOB);
        """
    )
    return file


def bare_send(file: sqlite3.Connection, count: int, batch: int) -> None:
    """Insert tasks."""
    for _ in range(0, count, batch):
        file.execute("BEGIN IMMEDIATE")
        rows = [(TASK,)] * batch
        file.executemany("INSERT INTO queue (body) VALUES (?)", rows)
        file.execute("COMMIT")


def bare_work(file: sqlite3.Connection, window: int, done: bool) -> None:
    """Claim and delete until nothing is left."""
    claim = CLAIM_ONE if window == 1 else CLAIM_MANY
    while rows := file.execute(claim, (time.time() + 30, window)).fetchall():
        file.execute("BEGIN IMMEDIATE")
        if done:
            bodies = [(DONE,) for _ in rows]
            file.executemany("INSERT INTO done (body) VALUES (?)", bodies)
        ids = [(row[0],) for row in rows]
        file.executemany("DELETE FROM queue WHERE id = ?", ids)
        file.execute("COMMIT")


def open_bus(path: Path) -> Bus:
    """Open the bus."""
    return sqlite.open(SqliteOptions(path=str(path)), BusContext())


def bus_send(bus: Bus, count: int, batch: int) -> None:
    """Send tasks."""
    producer = bus.producer()
    for _ in range(0, count, batch):
        producer.send([Message("load", TASK) for _ in range(batch)])


def bus_work(bus: Bus, window: int, done: bool) -> None:
    """Receive and settle until nothing is left."""
    consumer = bus.subscribe("load", "load")
    while deliveries := consumer.receive(window, 0):
        messages = [Message("done", DONE) for _ in deliveries] if done else []
        consumer.settle(deliveries, messages)
    consumer.close()


def seconds(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def work_in_processes(
    opener: Callable[[Path], object], work: Callable[..., None], path: Path, count: int
) -> None:
    """Let some processes work on one file, one task at a time."""
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=lambda: work(opener(path), 1, True))
        for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def round_of(folder: Path, messages: int) -> dict[str, tuple[float, float]]:
    """Return, for each experiment, the seconds of the bare loop and of the bus."""
    found = {}
    for name, window, done in (
        ("one at a time", 1, False),
        ("one at a time, done task", 1, True),
        ("window 100", 100, False),
        ("window 100, done task", 100, True),
        ("window 1000, done task", 1000, True),
    ):
        bare, bus = bare_file(folder / "bare.db"), open_bus(folder / "bus.db")
        bare_send(bare, messages, messages)
        bus_send(bus, messages, messages)
        found[name] = (
            seconds(lambda: bare_work(bare, window, done)),  # noqa: B023
            seconds(lambda: bus_work(bus, window, done)),  # noqa: B023
        )
        bare.close()
        bus.close()
    for name, batch in (("send one", 1), ("send 100 at once", 100)):
        bare, bus = bare_file(folder / "bare.db"), open_bus(folder / "bus.db")
        found[name] = (
            seconds(lambda: bare_send(bare, messages, batch)),  # noqa: B023
            seconds(lambda: bus_send(bus, messages, batch)),  # noqa: B023
        )
        bare.close()
        bus.close()
    found["four processes"] = (
        seconds(lambda: work_in_processes(bare_file, bare_work, folder / "bare.db", 4)),
        seconds(lambda: work_in_processes(open_bus, bus_work, folder / "bus.db", 4)),
    )
    return found


def idle_latency(path: Path, count: int) -> list[float]:
    """Return milliseconds from a send to its receipt in another, idle process."""
    ear, mouth = multiprocessing.Pipe(duplex=False)

    def listen() -> None:
        bus = open_bus(path)
        consumer = bus.subscribe("idle", "idle")
        mouth.send(0.0)
        for _ in range(count):
            while not (deliveries := consumer.receive(1, 60)):
                pass
            mouth.send(time.time())
            consumer.ack(deliveries)
        mouth.send(time.process_time())
        consumer.receive(1, 10)
        mouth.send(time.process_time())

    context = multiprocessing.get_context("fork")
    context.Process(target=listen, daemon=True).start()
    ear.recv()
    bus = open_bus(path)
    producer = bus.producer()
    found = []
    for number in range(count):
        time.sleep(0.2 + number % 20 / 1000)
        sent = time.time()
        producer.send([Message("idle", TASK)])
        found.append((ear.recv() - sent) * 1000)
    begin = ear.recv()
    print(f"idle consumer: {(ear.recv() - begin) * 10:.2f} % of a core")
    bus.close()
    return found


def main() -> None:
    """Run all experiments and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
            rounds.append(round_of(Path(folder), options.messages))
    print(f"{'':28}{'bare/s':>10}{'bus/s':>10}{'ratio':>8}   (medians)")
    for name in rounds[0]:
        pairs = [found[name] for found in rounds]
        bare = options.messages / statistics.median(pair[0] for pair in pairs)
        bus = options.messages / statistics.median(pair[1] for pair in pairs)
        ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
        print(f"{name:28}{bare:>10,.0f}{bus:>10,.0f}{ratio:>8.2f}")
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        waits = sorted(idle_latency(Path(folder) / "bus.db", 60))
    print(f"idle, send to receipt: p50 {waits[30]:.1f} ms, p99 {waits[-1]:.1f} ms")


if __name__ == "__main__":
    main()
