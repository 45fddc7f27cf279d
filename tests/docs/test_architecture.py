"""`docs/architecture.md` is true of the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "task_core"
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = sorted(
    f"{path.name}/" if path.is_dir() else path.name
    for path in CORE.iterdir()
    if not path.name.startswith("_") and path.suffix in {"", ".py"}
)
FILES = sorted(set(re.findall(r"`([a-z_]+/[a-z_]+\.py)`", TEXT)))


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_named(room):
    """Someone new looks it up in the first table."""
    table = TEXT[: TEXT.index("## The life of a task")]
    assert f"`{room}`" in table


@pytest.mark.parametrize("file", FILES)
def test_every_file_that_is_named_is_there(file):
    """A map with streets that are gone is worse than none."""
    assert (CORE / file).is_file()


def test_no_other_rooms_are_named():
    """What is gone must go here, too."""
    table = TEXT[TEXT.index("| room |") : TEXT.index("## The life of a task")]
    cells = [row.split("|")[1] for row in table.splitlines() if row]
    assert set(re.findall(r"`([a-z_]+(?:/|\.py))`", "".join(cells))) == set(ROOMS)


def test_a_task_passes_ten_steps():
    """As the title says."""
    life = TEXT[TEXT.index("## The life of a task") : TEXT.index("## Where do I")]
    assert len(re.findall(r"^\d+\. ", life, re.MULTILINE)) == 10
