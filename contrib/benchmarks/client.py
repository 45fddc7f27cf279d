"""How fast programs send and call, beside a bare loop on the same client library.

    PYTHONPATH=contrib python contrib/benchmarks/client.py [--messages N] [--rounds N]
        [--buses sqlite,nsq]

The bare loops are those of the benchmarks of the buses: the library alone, each message
or batch confirmed. All contestants take turns; what counts is the median of the ratios,
round by round. A call is measured against an idle worker, beside the latency of the bus
from a send to its receipt. At the end, new processes import `connect` and send once.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from task_core import LauncherThread, connect, open_bus
from task_core.api import Message, Task
from task_core.client.client import Client

BATCH = 500
THREADS = 8
CALLS = 100
FIRST_SEND = "from task_core import connect; connect({url!r}).send('load', 'x')"
TASK = (
    b'{"type":"load","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    b'"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012"}'
)
# What Python compiles is kept, as everywhere but in some containers.
COMPILED_ONCE = {
    name: value
    for name, value in os.environ.items()
    if name != "PYTHONDONTWRITEBYTECODE"
}
INFO = "s3://bucket/2026/01/01/file.json?dest=x&threads=4"


@attrs.frozen
class Bench:
    """A bus and its bare loop: `bare(count, batch)` sends so many messages."""

    url: str
    bare: Callable[[int, int], None]


@contextmanager
def sqlite() -> Iterator[Bench]:
    """One file for the bus, and one for the bare loop."""
    from sqlite_bus import bare_file, bare_send

    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        file = bare_file(Path(folder) / "bare.db")
        yield Bench(
            f"sqlite://{folder}/bus.db",
            lambda count, batch: bare_send(file, count, batch),
        )
        file.close()


@contextmanager
def nsq() -> Iterator[Bench]:
    """One nsqd for both."""
    from brokers.nsq import Nsqd
    from nsq_bus import bare_send

    with Nsqd() as nsqd:
        yield Bench(
            f"nsq://{nsqd.tcp}", lambda count, batch: bare_send(nsqd, batch, count)
        )


BUSES = {"sqlite": sqlite, "nsq": nsq}


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def bus_alone(url: str, count: int) -> None:
    """Send one at a time with the bus in this thread: no client, no hand-over."""
    bus = open_bus(url)
    producer = bus.producer()
    for _ in range(count):
        producer.send([Message("load", TASK)])
    bus.close()


def send_each(client: Client, count: int) -> None:
    """Send one at a time."""
    for _ in range(count):
        client.send("load", INFO)


def send_in_threads(client: Client, count: int) -> None:
    """Send the same number, shared by threads."""
    threads = [
        threading.Thread(target=send_each, args=(client, count // THREADS))
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(bench: Bench, count: int) -> dict[str, float]:
    """Return the messages in a second of each contestant, in one round."""
    many = 10 * count
    tasks = [Task.new("load", INFO) for _ in range(many)]
    with connect(bench.url) as client:
        client.send("load")  # connected
        took = {
            "bare, one at a time": seconds(lambda: bench.bare(count, 1)),
            "bus alone": seconds(lambda: bus_alone(bench.url, count)),
            "send": seconds(lambda: send_each(client, count)),
            f"send in {THREADS} threads": seconds(
                lambda: send_in_threads(client, count)
            ),
        }
        big = {
            f"bare, {BATCH} at a time": seconds(lambda: bench.bare(many, BATCH)),
            "send_many": seconds(lambda: client.send_many(tasks)),
        }
    return {name: count / one for name, one in took.items()} | {
        name: many / one for name, one in big.items()
    }


PAIRS = (
    ("send", "bare, one at a time", 0.8),
    ("send", "bus alone", 0.8),
    ("send_many", f"bare, {BATCH} at a time", 0.7),
    (f"send in {THREADS} threads", "send", 1.5),
)


def latency(url: str) -> float:
    """Return the median seconds from a send to its receipt, by an idle reader."""
    bus, other = open_bus(url), open_bus(url)
    consumer, producer = bus.subscribe("idle", "idle"), other.producer()
    arrived = threading.Semaphore(0)
    found: list[float] = []

    def read() -> None:
        while len(found) < CALLS:
            for one in consumer.receive(1, 5):
                found.append(time.perf_counter())
                consumer.ack([one])
                arrived.release()

    thread = threading.Thread(target=read)
    thread.start()
    took = []
    for _ in range(CALLS):
        time.sleep(0.01)
        begin = time.perf_counter()
        producer.send([Message("idle", TASK)])
        arrived.acquire()
        took.append(found[-1] - begin)
    thread.join()
    bus.close()
    other.close()
    return statistics.median(took)


def call_latency(url: str) -> float:
    """Return the median seconds of a call on an idle worker."""
    took = []
    with connect(url) as client, LauncherThread(str.upper, open_bus(url), topic="call"):
        client.call("call", timeout=10)
        for _ in range(CALLS):
            time.sleep(0.01)
            took.append(seconds(lambda: client.call("call", timeout=10)))
    return statistics.median(took)


def first_send(url: str) -> float:
    """Return the CPU seconds of a process that imports, connects and sends, once."""
    program = [sys.executable, "-c", FIRST_SEND.format(url=url)]
    took = []
    for _ in range(9):
        process = subprocess.Popen(program, env=COMPILED_ONCE)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        took.append(usage.ru_utime + usage.ru_stime)
    return statistics.median(took)


def main() -> None:
    """Run the rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--buses", default=",".join(BUSES))
    options = parser.parse_args()
    for name in options.buses.split(","):
        with BUSES[name]() as bench:
            rounds = [measure(bench, options.messages) for _ in range(options.rounds)]
            print(f"{name}: {'a second':>33}")
            for what in rounds[0]:
                rate = statistics.median(one[what] for one in rounds)
                print(f"  {what:30}{rate:>10,.0f}")
            for what, beside, aim in PAIRS:
                ratio = statistics.median(one[what] / one[beside] for one in rounds)
                print(f"  {what} / {beside}: {ratio:.2f} (aim {aim})")
            send, call = latency(bench.url), call_latency(bench.url)
            aim_ms = 2000 * send + 1
            print(f"  send to receipt {1000 * send:.2f} ms")
            print(f"  call {1000 * call:.2f} ms (aim {aim_ms:.2f})")
            took = 1000 * first_send(bench.url)
            print(f"  import and first send: {took:.0f} ms of CPU (aim 150)")


if __name__ == "__main__":
    main()
