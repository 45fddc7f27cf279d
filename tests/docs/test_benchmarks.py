"""The command that measures the buses, as docs/performance.md says it."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[2]
EXPERIMENTS = 5
"""Of a bus beside its bare loop; SQLite has no bare latency."""


def run(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder."""
    paths = os.pathsep.join([str(ROOT / "contrib"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, str(ROOT / "contrib" / "benchmarks"), *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_a_bus_is_measured_and_told_in_the_document_and_its_picture(
    tmp_path: Path,
) -> None:
    """Tables come between the marks, and every ratio is a bar."""
    document = tmp_path / "performance.md"
    text = "Before.\n<!-- figures -->\nOld.\n<!-- /figures -->\nAfter.\n"
    document.write_text(text, encoding="utf-8")
    few = ("--rounds", "1", "--messages", "100", "--idle", "0.5")
    done = run("sqlite", *few, "--write", ".", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "send 100 at once" in done.stdout
    told = document.read_text(encoding="utf-8")
    assert told.startswith("Before.\n<!-- figures -->\n")
    assert told.endswith("<!-- /figures -->\nAfter.\n")
    assert "Old." not in told
    assert "| one at a time | " in told
    picture = ET.parse(tmp_path / "performance.svg").getroot()
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == EXPERIMENTS


def test_a_bus_that_has_no_yardstick_is_told_with_those_that_have(
    tmp_path: Path,
) -> None:
    """One line, and the exit code of wrong usage."""
    done = run("sqllite", folder=tmp_path)
    assert done.returncode == 2
    assert "no bus sqllite: there are sqlite, redis, " in done.stderr
