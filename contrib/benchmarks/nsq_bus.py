"""How fast the bus `nsq` is, beside a bare loop on the same client.

    PYTHONPATH=contrib python contrib/benchmarks/nsq_bus.py [--messages N] [--rounds N]

The bare loop is nsq-py alone, with the same guarantee: each done task is confirmed
before its message is finished. It sets RDY once, so that the next message is on its way
while the last one is worked on; the bus asks for each anew. Both take turns in one run
on one nsqd; what counts is the median of the ratios, round by round. At the end a
launcher does the same with a worker that does nothing.
"""

import argparse
import json
import logging
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from urllib.request import ProxyHandler, build_opener

from brokers.nsq import Nsqd
from nsq.connection import Connection
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq

from task_core.api import Bus, BusContext, Message

logging.getLogger("nsq").setLevel(logging.ERROR)  # it tells of every connection
TASK = (
    b'{"type":"nop","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    b'"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012"}'
)
DONE = TASK[:-1] + b',"result":"complete","started":"2026-01-01T00:00:01Z"}'
MESSAGE = 2
_http = build_opener(ProxyHandler({}))


def fill(nsqd: Nsqd, topic: str, count: int) -> None:
    """Put tasks on a topic whose channel is there."""
    call(nsqd, f"/topic/create?topic={topic}", b"")
    call(nsqd, f"/channel/create?topic={topic}&channel=bench", b"")
    part = struct.pack(">i", len(TASK)) + TASK
    for begin in range(0, count, 1000):
        many = min(1000, count - begin)
        body = struct.pack(">i", many) + part * many
        call(nsqd, f"/mpub?topic={topic}&binary=true", body)


def call(nsqd: Nsqd, path: str, body: bytes | None = None) -> bytes:
    """Call nsqd's HTTP API."""
    with _http.open(f"http://{nsqd.http}{path}", data=body, timeout=30) as answer:
        return answer.read()


def bare_connection(nsqd: Nsqd) -> Connection:
    """Connect as nsq-py does."""
    host, port = nsqd.tcp.split(":")
    return Connection(host, int(port), timeout=5, heartbeat_interval=60_000)


def bare_work(nsqd: Nsqd, topic: str, window: int, count: int) -> None:
    """Receive, publish, await the confirmation, finish."""
    reader, writer = bare_connection(nsqd), bare_connection(nsqd)
    reader.sub(topic.encode(), b"bench")
    reader.rdy(window)
    left = count
    while left:
        found = [it for it in reader.read() if it.frame_type == MESSAGE]
        if not found:
            continue
        if len(found) == 1:
            writer.pub(b"done", DONE)
        else:
            writer.mpub(b"done", *[DONE] * len(found))
        confirm(writer)
        reader.setblocking(0)  # gathers what is sent
        for message in found:
            message.fin()
        while reader.pending():
            reader.flush()
        reader.setblocking(1)
        left -= len(found)
    reader.close()
    writer.close()


def confirm(writer: Connection) -> None:
    """Wait for OK."""
    while not any(it.data == b"OK" for it in writer.read()):
        pass


def bare_send(nsqd: Nsqd, batch: int, count: int) -> None:
    """Publish, each batch confirmed."""
    writer = bare_connection(nsqd)
    for _ in range(0, count, batch):
        if batch == 1:
            writer.pub(b"sent", TASK)
        else:
            writer.mpub(b"sent", *[TASK] * batch)
        confirm(writer)
    writer.close()


def open_bus(nsqd: Nsqd) -> Bus:
    """Open the bus."""
    return nsq.open(NsqOptions(nsqd=(nsqd.tcp,), http=(nsqd.http,)), BusContext())


def bus_work(nsqd: Nsqd, topic: str, window: int, count: int) -> None:
    """Receive and settle."""
    bus = open_bus(nsqd)
    consumer = bus.subscribe(topic, "bench")
    left = count
    while left:
        found = consumer.receive(window, 10)
        assert found, "nothing comes"
        consumer.settle(found, [Message("done", DONE) for _ in found])
        left -= len(found)
    bus.close()


def bus_send(nsqd: Nsqd, batch: int, count: int) -> None:
    """Send, each batch confirmed."""
    bus = open_bus(nsqd)
    producer = bus.producer()
    for _ in range(0, count, batch):
        producer.send([Message("sent", TASK) for _ in range(batch)])
    bus.close()


def seconds(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def round_of(nsqd: Nsqd, messages: int) -> dict[str, tuple[int, float, float]]:
    """Return for each experiment: how many, and the seconds of both."""
    found = {}
    for name, window, count in (
        ("one at a time", 1, messages // 5),
        ("window 10", 10, messages),
        ("window 100", 100, messages),
        ("window 1000", 1000, messages),
    ):
        took = []
        for work in (bare_work, bus_work):
            topic = f"bench-{uuid.uuid4().hex[:8]}"
            fill(nsqd, topic, count)
            took.append(seconds(lambda: work(nsqd, topic, window, count)))  # noqa: B023
            call(nsqd, f"/topic/delete?topic={topic}", b"")
        found[name] = (count, took[0], took[1])
    for name, batch, count in (
        ("send one", 1, messages // 5),
        ("send 100 at once", 100, messages),
    ):
        bare = seconds(lambda: bare_send(nsqd, batch, count))  # noqa: B023
        bus = seconds(lambda: bus_send(nsqd, batch, count))  # noqa: B023
        found[name] = (count, bare, bus)
    for topic in ("done", "sent"):
        call(nsqd, f"/topic/delete?topic={topic}", b"")
    return found


def idle_latency(nsqd: Nsqd, count: int) -> list[float]:
    """Return milliseconds from a send to its receipt by an idle consumer."""
    bus, other = open_bus(nsqd), open_bus(nsqd)
    consumer, producer = bus.subscribe("idle", "bench"), other.producer()
    found = []
    for _ in range(count):
        assert not consumer.receive(1, 0.01)
        sent = time.perf_counter()
        producer.send([Message("idle", TASK)])
        deliveries = consumer.receive(1, 10)
        found.append((time.perf_counter() - sent) * 1000)
        consumer.ack(deliveries)
    bus.close()
    other.close()
    return sorted(found)


def launch(nsqd: Nsqd, count: int, *flags: str) -> float:
    """Return the tasks per second of a launcher, without its start."""
    topic = f"nop-{uuid.uuid4().hex[:8]}"
    fill(nsqd, topic, count)
    command = [
        *(sys.executable, "-m", "task_core", "launch", "--worker", "nop"),
        *("--bus", f"nsq://{nsqd.tcp}?http={nsqd.http}", "--topic", topic),
        *("--channel", "bench", "--max-tasks", str(count), *flags),
    ]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE)
        times = {}
        while len(times) < 2:
            left = waiting(nsqd, topic)
            if left < count:
                times.setdefault("begin", (time.perf_counter(), left))
            if left == 0:
                times["end"] = (time.perf_counter(), 0)
            time.sleep(0.01)
        process.communicate()
    call(nsqd, f"/topic/delete?topic={topic}", b"")
    (begin, first), (end, _) = times["begin"], times["end"]
    return first / (end - begin)


def waiting(nsqd: Nsqd, topic: str) -> int:
    """Return how many tasks are not done."""
    query = f"/stats?format=json&topic={topic}&include_clients=false"
    stats = json.loads(call(nsqd, query))["topics"][0]
    channel = stats["channels"][0]
    held: int = channel["in_flight_count"]
    return held + channel["depth"] + stats["depth"]


def main() -> None:
    """Run all experiments and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory(dir=os.getcwd())
    memory = ("--mem-queue-size=1000000",)  # what is measured is no disk
    with folder as path, Nsqd(folder=path, options=memory) as nsqd:
        print(f"{nsqd.implementation}, Python {sys.version.split()[0]}")
        show([round_of(nsqd, options.messages) for _ in range(options.rounds)])
        waits = idle_latency(nsqd, 200)
        middle, late = waits[100], waits[197]
        print(f"idle, send to receipt: p50 {middle:.2f} ms, p99 {late:.2f} ms")
        for flags in (("-c", "1", "--prefetch", "0"), ("-c", "1"), ("-c", "8")):
            rate = launch(nsqd, options.messages, *flags)
            print(f"task launch {' '.join(flags):20} {rate:>8,.0f}/s")


def show(rounds: list[dict[str, tuple[int, float, float]]]) -> None:
    """Print the medians of all rounds."""
    print(f"{'':20}{'bare/s':>10}{'bus/s':>10}{'ratio':>8}   (medians)")
    for name, (count, _, _) in rounds[0].items():
        pairs = [found[name][1:] for found in rounds]
        bare = count / statistics.median(pair[0] for pair in pairs)
        bus = count / statistics.median(pair[1] for pair in pairs)
        ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
        print(f"{name:20}{bare:>10,.0f}{bus:>10,.0f}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
