"""Write docs/capabilities.md from the results of the conformance kit.

TASK_CONTRACT_RESULTS=results pytest tests/contract plugins/*/tests/test_contract.py
python contrib/matrix.py results            # write the page
python contrib/matrix.py results --check    # compare; the brokers' names may differ
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "capabilities.md"
ORDER = (
    *("memory", "sqlite", "nsq", "nsq-tls"),
    *("kafka", "kafka-transactions", "kafka-confluent"),
    *("redis", "rediss-tls"),
    *("nats", "nats-tls"),
    *("postgres", "postgres-tls"),
    *("stdio", "file", "file-follow", "nop"),
)
HEAD = """\
# What each bus can do

Made by `contrib/matrix.py` from the results of the conformance kit. Each "yes" is one
that the kit has tried, against what the last column below names. What a bus does not
declare, it refuses before anything happens; that was tried as well.

"""


def read(folder: Path) -> list[dict]:
    """Return the results of all buses, in the order of the page."""
    found = [json.loads(path.read_text()) for path in folder.glob("bus-*.json")]
    places = {name: place for place, name in enumerate(ORDER)}
    return sorted(found, key=lambda it: (places.get(it["name"], 99), it["name"]))


def page(results: list[dict]) -> str:
    """Return the whole page."""
    names = [name for name in results[0]["capabilities"] if not name.startswith("max_")]
    head = ["capability", *(it["name"] for it in results)]
    rows = [[f"`{name}`", *(_yes(it, name) for it in results)] for name in names]
    rows.append(["`max_bytes`", *(_bytes(it) for it in results)])
    outcomes = [_outcome(it) for it in results]
    return (
        HEAD
        + table(head, rows)
        + "\n## Results of the kit\n\n"
        + table(["bus", "passed", "not offered", "suite", "ran against"], outcomes)
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table with aligned columns."""
    lines = [head, *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    rule = ["-" * width for width in widths]
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        for line in (head, rule, *rows)
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in padded)


def _yes(result: dict, name: str) -> str:
    return "yes" if result["capabilities"][name] else ""


def _bytes(result: dict) -> str:
    limit = result["capabilities"]["max_bytes"]
    return f"{limit:,}" if limit else "any"


def _outcome(result: dict) -> list[str]:
    counts = Counter(result["rules"].values())
    odd = {"failed", "known", "skipped"}
    bad = {fate: count for fate, count in counts.items() if fate in odd}
    passed = f"{counts['passed']}" + "".join(f", {n} {fate}" for fate, n in bad.items())
    suite, broker = str(result["suite"]), result["broker"]
    return [result["name"], passed, str(counts["not offered"]), suite, broker]


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the kit wrote its results")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    results = read(options.folder)
    if missing := set(ORDER) - {it["name"] for it in results}:
        print(f"no results of {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    made = page(results)
    if not options.check:
        PAGE.write_text(made)
        return 0
    if _lasting(made) == _lasting(PAGE.read_text()):
        return 0
    print(f"{PAGE.name} is not what the kit found: write it anew", file=sys.stderr)
    print(made, file=sys.stderr)
    return 1


def _lasting(text: str) -> str:
    """Return the part that does not depend on the run: brokers, counts."""
    return text.partition("\n## Results")[0]


if __name__ == "__main__":
    sys.exit(main())
