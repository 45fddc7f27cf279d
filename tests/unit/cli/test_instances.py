"""Rules of `task_core.cli.instances`: what launchers are told, and told apart by."""

import json

import pytest

from task_core.cli.instances import InstanceLines, _without_ours, count_of


@pytest.mark.parametrize(
    "words",
    [
        ["-n", "4"],
        ["-n4"],
        ["--instances", "auto"],
        ["--instances=4"],
        ["--reload", "-n", "2"],
        ["--no-reload"],
    ],
)
def test_a_launcher_is_not_told_to_start_others(words):
    """Whatever is written, and wherever."""
    assert _without_ours(["-w", "echo", *words, "-c", "2"]) == ["-w", "echo", "-c", "2"]


def test_what_only_looks_like_ours_is_kept():
    """Values of other options among it."""
    words = ["-w", "./n.py:n", "--bus-name", "-", "--no-drain"]
    assert _without_ours(words) == words


def test_auto_is_one_for_each_core():
    """One at least."""
    assert count_of("auto") >= 1
    assert count_of("12") == 12


def test_lines_say_whose_they_are(capsys):
    """Those that are objects stay so, and others become some."""
    InstanceLines(json=False).write("2", [b"task: one", b"\xff"])
    assert capsys.readouterr().err == "[2] task: one\n[2] \ufffd\n"
    InstanceLines(json=True).write("2", [b'{"level":"info"}', b'printed "by hand"'])
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first == {"instance": "2", "level": "info"}
    assert second == {"instance": "2", "message": 'printed "by hand"'}
