"""Rules of `task_rules.file`: what an option names is there, or that is told."""

import pytest
from task_rules.file import default_zone, read_document

from task_core.api import OptionError


def test_a_file_is_read_and_called_by_its_name(tmp_path):
    """Not by its whole path: lines about it stay short."""
    path = tmp_path / "rules.toml"
    path.write_text("[[rule]]\n", encoding="utf-8")
    document = read_document(path)
    assert document.name == "rules.toml"
    assert len(document.tables("rule")) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), (b"\xff", "it is not UTF-8")],
)
def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path, content, reason):
    """One line, with the path that was given."""
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OptionError) as told:
        read_document(path)
    assert str(told.value) == f"cannot read rules {path}: {reason}"


def test_a_zone_that_is_not_there_is_told_as_an_option():
    """It stands on the command line, not in the file."""
    assert str(default_zone("Europe/Berlin")) == "Europe/Berlin"
    with pytest.raises(OptionError, match=r"^option timezone: "):
        default_zone("Europe/Berlim")
