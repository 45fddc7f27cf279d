"""How long a listing of many local files takes, and what knowing many of them costs.

    python contrib/benchmarks/files.py [--files 100000] [--known 1000000] [--rounds 5]

The first figure stands beside a bare loop of `scandir` and `stat` over the same files.
The second is a process of its own, which loads so many versions from a store.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from task_store import open_store
from task_taskmaster_files.local import LocalLister
from task_taskmaster_files.rules import read_rules
from task_taskmaster_files.scanner import Scanner

FOLDERS = 100
RULES = '[[rule]]\nfiles = "{base}/*/*.csv"\ntype = "load"\nname = "bench"\n'


def scanner_of(folder: Path) -> Scanner:
    rules = folder / "rules.toml"
    rules.write_text(RULES.format(base=folder))
    (rule,) = read_rules(rules).rules
    return Scanner(rule, LocalLister())


def bare(folder: Path) -> int:
    """Look at each file, and do no more."""
    count = 0
    for inner in os.scandir(folder):
        if inner.is_dir():
            with os.scandir(inner.path) as entries:
                count += sum(entry.stat().st_size >= 0 for entry in entries)
    return count


def clocked(act: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the medians of wall and processor, in seconds."""
    walls, busy = [], []
    for _ in range(rounds):
        wall, processor = time.perf_counter(), time.process_time()
        act()
        walls.append(time.perf_counter() - wall)
        busy.append(time.process_time() - processor)
    return statistics.median(walls), statistics.median(busy)


def scan(count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(FOLDERS):
            (folder / f"{number:03}").mkdir()
        for number in range(count):
            path = folder / f"{number % FOLDERS:03}" / f"orders-{number:07}.csv"
            path.write_bytes(b"")
        scanner = scanner_of(folder)
        now = datetime.now(UTC)
        for found in scanner.scan(now, 0.0, whatever=True):
            scanner.told(found)

        def again() -> None:
            assert not list(scanner.scan(now, 0.0))
            assert scanner.tally.files == count

        wall, busy = clocked(again, rounds)
        _, yardstick = clocked(lambda: bare(folder), rounds)
    print(
        f"{count:,} files, all known: {wall:.2f} s, {busy:.2f} s of the processor;"
        f" {busy / yardstick:.2f} times the bare loop ({yardstick:.2f} s)"
    )


def remember(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store(str(folder / "store.db"))
        rule = scanner_of(folder).rule.key
        for begin in range(0, count, 10_000):
            numbers = range(begin, begin + 10_000)
            versions = [
                (
                    f"{folder}/{n % FOLDERS:03}/orders-{n:07}.csv",
                    f"{n}-1767225600{n:09}-{n}",
                )
                for n in numbers
            ]
            store.seen.add(rule, versions)
        store.close()
        for known in (0, count):
            command = [sys.executable, __file__, "--load", name, "--known", str(known)]
            subprocess.run(command, check=True)


def load(folder: Path, known: int) -> None:
    """Load what a store knows, in a process of its own."""
    store = open_store(str(folder / "store.db"))
    scanner = scanner_of(folder)
    begin = time.process_time()
    if known:
        for path, version in store.seen.load(scanner.rule.key):
            scanner.know(path, version)
    seconds = time.process_time() - begin
    assert len(scanner.known) == known
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = f"{seconds:.1f} s of the processor, {peak:.0f} MB in all"
    print(f"{known:,} known versions: {spent}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--known", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        load(given.load, given.known)
        return
    scan(given.files, given.rounds)
    remember(given.known)


if __name__ == "__main__":
    main()
