"""What `--pool process` costs a tiny task, and what it gives one that computes.

    python contrib/benchmarks/processes.py [--tasks 100000] [--busy 300] [--rounds 3]

Prints tasks per second as the launcher counts its time, without the start of Python,
and the medians of the ratios to one process, taken round by round.
"""

import argparse
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LINE = '{"type":"t","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4"}\n'
POOL = ("--pool", "process")
TINY = {
    "1 process": ("plain", *POOL, "-c", "1"),
    "2 processes": ("plain", *POOL, "-c", "2"),
    "2 processes, context": ("with_context", *POOL, "-c", "2"),
    "2 processes, async def": ("coroutine", *POOL, "-c", "2"),
    "2 processes, strictly lazy": ("plain", *POOL, "-c", "2", "--prefetch", "0"),
    "2 threads": ("plain", "-c", "2"),
}
BUSY = {
    "1 process": ("computes", *POOL, "-c", "1"),
    "2 processes": ("computes", *POOL, "-c", "2"),
    "2 threads": ("computes", "-c", "2"),
}
SUMMARY = re.compile(rb"task: ([\d,]+) complete in ([\d.]+)s")


def measure(words: tuple[str, ...], tasks: Path, count: int) -> tuple[float, float]:
    """Run one contestant; return tasks a second, and microseconds of a core for each.

    The latter counts starts as well; on a busy machine it is what can be compared.
    """
    worker, *flags = words
    place = f"{HERE}/workers.py:{worker}"
    command = [sys.executable, "-m", "task_core", "launch", "--worker", place, *flags]
    before = cpu()
    with tasks.open("rb") as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, check=True)
    found = SUMMARY.search(done.stderr)
    if not found or int(found[1].replace(b",", b"")) != count:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return count / float(found[2]), (cpu() - before) / count * 1e6


def cpu() -> float:
    """Return the seconds of processors that ended children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(
    title: str, contestants: dict[str, tuple[str, ...]], count: int, rounds: int
) -> None:
    """Run all of them in turn, and print a table."""
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    costs: dict[str, list[float]] = {name: [] for name in contestants}
    with tempfile.TemporaryDirectory() as folder:
        tasks = Path(folder, "tasks.json")
        tasks.write_text(LINE * count)
        for number in range(rounds):
            for name, words in contestants.items():
                print(f"\r\033[K{number + 1}/{rounds} {name}", end="", file=sys.stderr)
                per_second, cost = measure(words, tasks, count)
                rates[name].append(per_second)
                costs[name].append(cost)
    print("\r\033[K", end="", file=sys.stderr)
    print(f"{title}: {count:,} tasks, {rounds} rounds")
    first = next(iter(rates.values()))
    for name, found in rates.items():
        ratios = [a / b for a, b in zip(found, first, strict=True)]
        median, ratio = statistics.median(found), statistics.median(ratios)
        cost = statistics.median(costs[name])
        print(f"  {name:30}{median:>10,.0f}/s{ratio:>8.2f}{cost:>12,.0f} µs of CPU")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--busy", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    compare("tasks that do nothing", TINY, args.tasks, args.rounds)
    compare("tasks of about 20 ms of Python", BUSY, args.busy, args.rounds)


main()
