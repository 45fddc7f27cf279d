"""How fast programs send and call, beside a bare loop on the same client library.

    PYTHONPATH=contrib python contrib/benchmarks/client.py [--messages N] [--rounds N]
        [--buses sqlite,nsq,kafka]

A bare loop is the shortest that a program could write on the library alone, each
message or batch confirmed as the bus confirms it. It makes tasks as well, each with its
id, date and JSON, by the quickest way that we know: what is compared is sending. All
contestants take turns; what counts is the median of the ratios, round by round. A call
is measured against an idle worker, beside the latency of the bus from a send to its
receipt. At the end, new processes import `connect` and send once, beside others that
only import the libraries which that needs.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import attrs

from task_core import LauncherThread, connect, open_bus
from task_core.api import Message, Task, encode_task
from task_core.client.client import Client

BATCH = 500
THREADS = 8
CALLS = 100
FIRST_SEND = "from task_core import connect; connect({url!r}).send('load', 'x')"
LIBRARIES = "import attrs, msgspec, stevedore.driver, sqlite3"
# What Python compiles is kept, as everywhere but in some containers.
COMPILED_ONCE = {
    name: value
    for name, value in os.environ.items()
    if name != "PYTHONDONTWRITEBYTECODE"
}
INFO = "s3://bucket/2026/01/01/file.json?dest=x&threads=4"


@attrs.frozen
class Bench:
    """A bus and its bare loop.

    Args:
        url: Of the bus.
        one: Sends bodies one at a time.
        many: Sends them `BATCH` at a time.
    """

    url: str
    one: Callable[[Iterable[bytes]], None]
    many: Callable[[Iterable[bytes]], None]


@contextmanager
def sqlite() -> Iterator[Bench]:
    """One file for the bus, and one for the bare loop."""
    from yardsticks.sqlite import INSERT, bare_file

    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        file = bare_file(Path(folder) / "bare.db")

        def one(bodies: Iterable[bytes]) -> None:
            for body in bodies:
                file.execute(INSERT, (body,))  # a transaction by itself

        def many(bodies: Iterable[bytes]) -> None:
            for batch in batches(bodies):
                file.execute("BEGIN IMMEDIATE")
                file.executemany(INSERT, [(body,) for body in batch])
                file.execute("COMMIT")

        yield Bench(f"sqlite://{folder}/bus.db", one, many)
        file.close()


@contextmanager
def nsq() -> Iterator[Bench]:
    """One nsqd for both."""
    from brokers.nsq import Nsqd
    from yardsticks.nsq import confirm, connected

    with Nsqd() as nsqd:
        writer = connected(nsqd)

        def one(bodies: Iterable[bytes]) -> None:
            for body in bodies:
                writer.pub(b"sent", body)
                confirm(writer)

        def many(bodies: Iterable[bytes]) -> None:
            for batch in batches(bodies):
                writer.mpub(b"sent", *batch)
                confirm(writer)

        yield Bench(f"nsq://{nsqd.tcp}", one, many)
        writer.close()


@contextmanager
def kafka() -> Iterator[Bench]:
    """One broker for both."""
    from brokers.kafka import Kafka
    from kafka import KafkaProducer

    with Kafka(partitions=1) as broker:
        url = f"kafka://{broker.bootstrap}?partitions=1"
        bus = open_bus(url)
        bus.prepare(["sent", "load", "idle", "call", "done"])
        bus.close()
        producer = KafkaProducer(
            bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True
        )

        def one(bodies: Iterable[bytes]) -> None:
            for body in bodies:
                producer.send("sent", body).get(30)

        def many(bodies: Iterable[bytes]) -> None:
            for batch in batches(bodies):
                for future in [producer.send("sent", body) for body in batch]:
                    future.get(30)

        yield Bench(url, one, many)
        producer.close()


BUSES = {"sqlite": sqlite, "nsq": nsq, "kafka": kafka}


def batches(bodies: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield `BATCH` at a time."""
    source = iter(bodies)
    while batch := [*islice(source, BATCH)]:
        yield batch


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def new_tasks(count: int) -> Iterator[bytes]:
    """Make tasks, and their bytes."""
    for _ in range(count):
        yield encode_task(Task.new("load", INFO))


def bus_alone(url: str, count: int) -> None:
    """Send one at a time with the bus in this thread: no client, no hand-over."""
    bus = open_bus(url)
    producer = bus.producer()
    for body in new_tasks(count):
        producer.send([Message("load", body)])
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


def measure(bench: Bench, client: Client, count: int) -> dict[str, float]:
    """Return the messages in a second of each contestant, in one round."""
    many = 10 * count
    tasks = [Task.new("load", INFO) for _ in range(many)]
    took = {
        "bare, one at a time": seconds(lambda: bench.one(new_tasks(count))),
        "bus alone": seconds(lambda: bus_alone(bench.url, count)),
        "send": seconds(lambda: send_each(client, count)),
        f"send in {THREADS} threads": seconds(lambda: send_in_threads(client, count)),
    }
    big = {
        f"bare, {BATCH} at a time": seconds(
            lambda: bench.many(map(encode_task, tasks))
        ),
        "send_many": seconds(lambda: client.send_many(tasks)),
    }
    return {name: count / one for name, one in took.items()} | {
        name: many / one for name, one in big.items()
    }


PAIRS = (
    ("send", "bare, one at a time", "aim 0.8"),
    ("bus alone", "bare, one at a time", "no client"),
    ("send_many", f"bare, {BATCH} at a time", "aim 0.7"),
    (f"send in {THREADS} threads", "send", "aim on NSQ 1.5"),
)


def latency(url: str) -> float:
    """Return the median seconds from a send to its receipt, by an idle reader."""
    bus, other = open_bus(url), open_bus(url)
    (body,) = new_tasks(1)
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
        producer.send([Message("idle", body)])
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


def cpu_seconds(program: str) -> float:
    """Return the CPU seconds of a new Python process that runs this."""
    process = subprocess.Popen([sys.executable, "-c", program], env=COMPILED_ONCE)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def print_first_send(url: str) -> None:
    """Measure processes that import, connect and send once."""
    program = FIRST_SEND.format(url=url)
    cpu_seconds(program)  # compiles
    pairs = [(cpu_seconds(program), cpu_seconds(LIBRARIES)) for _ in range(15)]
    took = 1000 * statistics.median(ours for ours, _ in pairs)
    bare = 1000 * statistics.median(libraries for _, libraries in pairs)
    print(f"  import and first send: {took:.0f} ms of CPU (aim 150)")
    print(f"  {LIBRARIES}: {bare:.0f} ms")


def compare(bench: Bench, options: argparse.Namespace) -> None:
    """Run the rounds on one bus, and print the medians."""
    with connect(bench.url) as client:
        client.send("load")  # connected
        bench.one(new_tasks(1))
        rounds = [
            measure(bench, client, options.messages) for _ in range(options.rounds)
        ]
    for what in rounds[0]:
        rate = statistics.median(one[what] for one in rounds)
        print(f"  {what:30}{rate:>10,.0f}")
    for what, beside, aim in PAIRS:
        ratio = statistics.median(one[what] / one[beside] for one in rounds)
        print(f"  {what} / {beside}: {ratio:.2f} ({aim})")


def main() -> None:
    """Run the rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--buses", default=",".join(BUSES))
    options = parser.parse_args()
    for name in options.buses.split(","):
        with BUSES[name]() as bench:
            print(f"{name}: {'a second':>33}")
            compare(bench, options)
            send, call = latency(bench.url), call_latency(bench.url)
            aim_ms = 2000 * send + 1
            print(f"  send to receipt {1000 * send:.2f} ms")
            print(f"  call {1000 * call:.2f} ms (aim {aim_ms:.2f})")
            if name == "sqlite":
                print_first_send(bench.url)


if __name__ == "__main__":
    main()
