"""How many requests a second the taskmaster http confirms, and how long they take.

    python contrib/benchmarks/http_taskmaster.py [--bus URL] [--guests N]

A process of its own serves, with a bus that confirms each send; guests in this one keep
a connection each, and send one task after the other. Its processor time is told, too:
on a machine that is busy otherwise, or has few cores, it says more than the rate.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

BODY = b'{"type":"load","info":"s3://shop/2026/01/05/orders.json?threads=4"}'
HEAD = (
    "POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\n{more}\r\n"
)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


async def guest(port: int, end: float, took: list[float], *, keyed: bool) -> None:
    """Send one task after the other until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        more = f"Idempotency-Key: {os.urandom(8).hex()}\r\n" if keyed else ""
        request = HEAD.format(length=len(BODY), more=more).encode() + BODY
        begin = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert head.startswith(b"HTTP/1.1 202"), head
        assert length
        await reader.readexactly(int(length[1]))
        took.append(time.perf_counter() - begin)
    writer.close()


async def load(port: int, guests: int, seconds: float, *, keyed: bool) -> list[float]:
    """Return how long each request took."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    await asyncio.gather(*(guest(port, end, took, keyed=keyed) for _ in range(guests)))
    return sorted(took)


def processor_time(number: int) -> float:
    """Return the seconds of processor that a process has had."""
    with open(f"/proc/{number}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure without keys, and with them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bus", default="sqlite")
    parser.add_argument("--guests", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    words = ["launch", "--taskmaster", "http", "--bus", given.bus]
    words += ["--taskmaster-address", "127.0.0.1:0"]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "task_core", *words],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.stderr is not None
        told = next(line for line in server.stderr if "listens at" in line)
        port = int(told.strip().rpartition(":")[2])
        asyncio.run(load(port, given.guests, 1, keyed=False))
        for keyed in (False, True):
            before = processor_time(server.pid)
            took = asyncio.run(load(port, given.guests, given.seconds, keyed=keyed))
            busy = processor_time(server.pid) - before
            count = len(took)
            name = "with keys" if keyed else "plain"
            print(
                f"{name:10} {count / given.seconds:8,.0f}/s"
                f"  median {1000 * took[count // 2]:6.1f} ms"
                f"  p99 {1000 * took[count * 99 // 100]:6.1f} ms"
                f"  {count / busy:8,.0f} for a second of processor"
            )
        server.send_signal(signal.SIGTERM)
        server.communicate()


if __name__ == "__main__":
    main()
