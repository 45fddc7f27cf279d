"""Lines a second through the stdio bus, receive alone, against a bare Python loop.

Run: python contrib/benchmarks/stdio_receive.py [MILLIONS]
"""

import subprocess
import sys

TASK = b'{"type":"hello","info":"file:///data/2026/01/01.json?n=1","id":"0123456789"}\n'

READERS = {
    "bare loop": """
import sys
count = sum(1 for line in sys.stdin.buffer)
""",
    "stdio bus": """
from task_core.api.bus import BusContext
from task_core.api.plugin import NoOptions
from task_core.builtin.streams import stdio
consumer = stdio.open(NoOptions(), BusContext()).subscribe("hello", "hello")
count = 0
while not consumer.exhausted:
    count += len(consumer.receive(2048, 1.0))
""",
}
REPORT = """
import resource, time
print(count, time.perf_counter() - begin,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
BEGIN = "import time; begin = time.perf_counter()\n"


def measure(code: str, millions: int) -> tuple[float, int]:
    """Return lines a second and peak memory in MiB of a reader at the end of a pipe."""
    block = TASK * 1000
    reader = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code + REPORT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert reader.stdin is not None
    for _ in range(millions * 1000):
        reader.stdin.write(block)
    output, _ = reader.communicate()
    count, seconds, mib = output.split()
    assert int(count) == millions * 1_000_000
    return int(count) / float(seconds), int(mib)


def main() -> None:
    """Print one line for each reader, and the ratio."""
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    rates = []
    for name, code in READERS.items():
        rate, mib = measure(code, millions)
        rates.append(rate)
        print(f"{name}: {rate:12,.0f} lines/s  {mib} MiB")
    print(f"the bus reaches {rates[1] / rates[0]:.0%} of the bare loop")


if __name__ == "__main__":
    main()
