"""What CONTRIBUTING.md tells to type is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SESSIONS = re.findall(
    r"^@nox\.session.*\ndef (\w+)",
    (ROOT / "noxfile.py").read_text("utf-8"),
    re.MULTILINE,
)
NAMED = [
    name
    for names in re.findall(r"nox -s ([^`]+?)(?: -p|`)", TEXT)
    for name in names.split()
]


@pytest.mark.parametrize("name", NAMED)
def test_every_session_that_is_named_is_there(name):
    """By its name alone: which Pythons it has depends on the machine."""
    assert name in SESSIONS


@pytest.mark.parametrize("place", re.findall(r"^\| `([\w./-]+/)`", TEXT, re.MULTILINE))
def test_every_place_that_is_named_is_there(place):
    """A map with streets that are gone is worse than none."""
    assert (ROOT / place).is_dir()
