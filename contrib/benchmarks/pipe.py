"""How fast `task launch` is on a pipe, beside a bare loop in the same run.

    python contrib/benchmarks/pipe.py [--tasks 1000000] [--rounds 3]

Prints tasks per second of whole processes, start included, and the median of the
ratios to the inline loop, taken round by round.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
LINE = (
    '{"type":"plain","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    '"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012",'
    '"meta":"a=b"}\n'
)
INLINE = [sys.executable, str(HERE / "inline.py")]
LAUNCH = [sys.executable, "-m", "task_core", "launch", "--log-level", "error"]
CONTESTANTS = {
    "inline loop": INLINE,
    "inline, handed to a thread in windows of 100": [*INLINE, "100"],
    "task launch": [*LAUNCH, "--worker", f"{HERE}/workers.py:plain"],
    "task launch -c 4": [*LAUNCH, "--worker", f"{HERE}/workers.py:plain", "-c", "4"],
    "task launch, typed params": [*LAUNCH, "--worker", f"{HERE}/workers.py:typed"],
    "task launch, context": [*LAUNCH, "--worker", f"{HERE}/workers.py:with_context"],
    "task launch, async def": [*LAUNCH, "--worker", f"{HERE}/workers.py:coroutine"],
}


def seconds(command: list[str], tasks: Path, done: Path, count: int) -> float:
    """Run one contestant over the file; check that every task came out."""
    with tasks.open("rb") as stdin, done.open("wb") as stdout:
        begin = time.perf_counter()
        subprocess.run(command, stdin=stdin, stdout=stdout, check=True)
        took = time.perf_counter() - begin
    with done.open("rb") as lines:
        complete = sum(b'"result":"complete"' in line for line in lines)
    if complete != count:
        sys.exit(f"{command}: {complete} of {count} tasks are complete")
    return took


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        tasks, done = Path(folder, "tasks.json"), Path(folder, "done.json")
        tasks.write_text(LINE * args.tasks)
        for number in range(args.rounds):
            for name, command in CONTESTANTS.items():
                print(
                    f"\r\033[K{number + 1}/{args.rounds} {name}",
                    end="",
                    file=sys.stderr,
                )
                times[name].append(seconds(command, tasks, done, args.tasks))
    print("\r\033[K", end="", file=sys.stderr)
    print(f"{args.tasks:,} tasks of {len(LINE) - 1} bytes, {args.rounds} rounds")
    print(f"{'':46}{'tasks/s':>10}{'ratio':>8}")
    for name, took in times.items():
        ratios = [a / b for a, b in zip(times["inline loop"], took, strict=True)]
        rate = args.tasks / statistics.median(took)
        print(f"{name:46}{rate:>10,.0f}{statistics.median(ratios):>8.2f}")


main()
