"""How fast the buses are, beside bare loops and beside what one would take instead.

    PYTHONPATH=contrib python contrib/benchmarks [BUS ...] [--rounds N] [--messages N]
        [--idle SECONDS] [--peers PYTHON] [--write FOLDER]

Brokers are started; all take turns on one of them. What counts are the ratios, taken
round by round. `--peers` names a Python that has the other systems. `--write docs` puts
the tables into `docs/performance.md` and the picture beside it.
"""

import argparse
import os
import platform
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path

import bus
import launches
import peers
from chart import chart
from table import Row, markdown, terminal
from yardstick import Yardstick
from yardsticks import PLACES, yardstick

from task_core import __version__

DOCUMENT = "performance.md"
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->\n"
HEAD = ("", "bare loop", "bus", "ratio")
PEER_SHARE = 10
"""Peers get a tenth of the tasks of a launcher: they take as long for them."""


def measure(name: str, options: argparse.Namespace) -> tuple[list[Row], list[str]]:
    """Measure one bus; print its tables, and return its rows and its document."""
    loops = yardstick(name)
    try:
        _print(f"\n{name}: {loops.title}, Python {platform.python_version()}")
        rows = bus.compare(loops, options.messages, options.rounds)
        lines = [row.cells() for row in rows]
        _print(terminal(HEAD, lines))
        rates = rates_of(name, loops, options)
        more = [(what, f"{rate:,.0f}/s") for what, rate in rates.items()]
        percent, megabytes = launches.idle(loops, options.idle)
        more.append(("`task launch`, idle", f"{percent:.2f} % CPU"))
        more.append(("`task launch`, memory", f"{megabytes:.0f} MB"))
        _print(terminal(("tasks that do nothing", ""), more))
    finally:
        loops.close()
    tables = [markdown(HEAD, lines), markdown(("tasks that do nothing", ""), more)]
    return rows, [f"### {name}", loops.title + ".", *tables]


def rates_of(
    name: str, loops: Yardstick, options: argparse.Namespace
) -> dict[str, float]:
    """Let launchers and other systems work in turns; return the median rates."""
    found: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for what in launches.LAUNCHES:
            rate = launches.launch(loops, what, options.messages)
            found.setdefault(f"`task launch`, {what}", []).append(rate)
        for what, peer in peers.PEERS.get(name, {}).items() if options.peers else ():
            count = max(options.messages // PEER_SHARE, 100)
            rate = peers.rate_of(peer, loops.url, options.peers, count)
            found.setdefault(what, []).append(rate)
    return {what: statistics.median(rates) for what, rates in found.items()}


def write(
    results: dict[str, tuple[list[Row], list[str]]], command: str, place: Path
) -> None:
    """Put tables and picture into the document."""
    place.with_suffix(".svg").write_text(
        chart({name: rows for name, (rows, _) in results.items()}), encoding="utf-8"
    )
    head = (
        f"Taken on {datetime.now(UTC):%Y-%m-%d} with version {__version__}, Python"
        f" {platform.python_version()}, {os.cpu_count()} cores, by `{command}`."
    )
    picture = "![Each bus beside the bare loop of its client](performance.svg)"
    parts = [head, picture, *(part for _, parts in results.values() for part in parts)]
    text = place.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n\n".join(parts)
    place.write_text(f"{before}{BEGIN}\n{tables}\n\n{END}{after}", encoding="utf-8")


def _print(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    """Measure the buses that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("buses", nargs="*", metavar="BUS", default=[*PLACES])
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=float, default=10, help="seconds")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if unknown := set(options.buses) - set(PLACES):
        parser.error(f"no bus {', '.join(unknown)}: there are {', '.join(PLACES)}")
    results = {name: measure(name, options) for name in options.buses}
    if options.write:
        command = (
            f"PYTHONPATH=contrib python contrib/benchmarks {' '.join(sys.argv[1:])}"
        )
        write(results, command, options.write / DOCUMENT)


if __name__ == "__main__":
    main()
