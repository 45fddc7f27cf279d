"""What a start costs, beside the import of three libraries in the same run.

    python contrib/benchmarks/start.py [--rounds 30]

Each contestant is a whole process, from its start to its end. The rounds interleave
them. Printed are CPU time (user and system) and its ratio to the first line, medians of
the rounds, then how many of our modules a launch imports.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

WORKERS = f"{Path(__file__).parent}/workers.py:plain"
TASK = [sys.executable, "-m", "task_core"]
LAUNCH = [*TASK, "launch", "--log-level", "error", "--worker"]
CONTESTANTS = {
    "import click, msgspec, attrs": [
        *(sys.executable, "-c", "import click, msgspec, attrs"),
    ],
    "task --version": [*TASK, "--version"],
    "task --help": [*TASK, "--help"],
    "task launch --worker echo": [*LAUNCH, "echo"],
    "task launch --worker ./file.py:function": [*LAUNCH, WORKERS],
    "task launch --worker exec:cat (a plugin)": [*LAUNCH, "exec:cat"],
}
# What Python compiles is kept, as everywhere but in some containers.
COMPILED_ONCE = {
    name: value
    for name, value in os.environ.items()
    if name != "PYTHONDONTWRITEBYTECODE"
}
MODULES = (
    "import atexit, sys; atexit.register(lambda: print("
    "sum(name.split('.')[0] == 'task_core' for name in sys.modules), file=sys.stderr));"
    "from task_core.cli.main import main; main(sys.argv[1:])"
)


def cpu_seconds(command: list[str]) -> float:
    """Run a process on an empty pipe and return the CPU time that it took."""
    process = subprocess.Popen(
        command,
        env=COMPILED_ONCE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def modules() -> int:
    """Return how many of our modules the launch of a built-in worker imports."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES, *LAUNCH[3:], "echo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stderr)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for number in range(-1, rounds):
        for name, command in CONTESTANTS.items():
            took = cpu_seconds(command)
            if number >= 0:  # the first one writes what is compiled
                times[name].append(took)
    base = times["import click, msgspec, attrs"]
    print(f"{rounds} rounds, Python {sys.version.split()[0]}")
    print(f"{'':42}{'CPU ms':>8}{'ratio':>8}")
    for name, took in times.items():
        ratio = statistics.median(a / b for a, b in zip(took, base, strict=True))
        print(f"{name:42}{statistics.median(took) * 1000:>8.0f}{ratio:>8.2f}")
    print(f"{'our modules in a launch':42}{modules():>8}")


main()
