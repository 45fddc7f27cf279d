"""Rules of `task_core.cli.render`."""

import io
import json
import os
import sys

import pytest

from task_core.cli.render import Counter, show_json, style, table


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self):
        return True


@pytest.fixture
def colours(monkeypatch):
    """Forget what the environment says about colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def test_columns_are_aligned_under_their_headers():
    """Without blanks at the end of a line."""
    text = table(("NAME", "N"), [("a", "1"), ("longer", "")])
    assert text == "NAME    N\na       1\nlonger"


def test_one_very_long_cell_does_not_widen_all_rows():
    """A type of 20,000 letters made as many blanks in each row."""
    text = table(("TYPE", "N"), [("x" * 20_000, "1"), ("short", "2"), ("y", "3")])
    head, long, *others = text.splitlines()
    assert [head, *others] == ["TYPE   N", "short  2", "y      3"]
    assert long == f"{'x' * 20_000}  1"


def test_columns_are_those_of_a_terminal():
    """Not characters: some take two columns, some none."""
    rows = [("表", "1"), ("e\u0301", "2"), ("日\u200d", "3"), ("äbc", "4")]
    assert table(("T", "N"), rows).splitlines() == [
        "T    N",
        "表   1",
        "e\u0301    2",
        "日\u200d   3",
        "äbc  4",
    ]


def test_a_table_without_rows_is_its_header():
    """So that scripts and people see what is listed."""
    assert table(("NAME", "N"), []) == "NAME  N"


def test_cells_need_not_be_texts():
    """Numbers are written as they are."""
    assert table(("N",), [(1,)]) == "N\n1"


def test_only_a_terminal_gets_colours(colours):
    """A pipe gets the bare text."""
    assert style("x", io.StringIO(), fg="red") == "x"
    assert style("x", Terminal(), fg="red") == "\x1b[31mx\x1b[0m"


@pytest.mark.parametrize(("value", "plain"), [("1", True), ("", False)])
def test_no_color_is_respected(colours, value, plain):
    """Set and not empty, as https://no-color.org wants it."""
    colours.setenv("NO_COLOR", value)
    assert (style("x", Terminal(), fg="red") == "x") is plain


def test_json_is_indented_and_readable(capsys):
    """Umlauts stay what they are."""
    show_json([{"name": "Ü"}])
    text = capsys.readouterr().out
    assert json.loads(text) == [{"name": "Ü"}]
    assert "Ü" in text
    assert text.count("\n") > 1


def test_what_json_does_not_know_is_shown_as_text(capsys):
    """A plugin may have given its summary as bytes."""
    show_json({"summary": b"x", "of": {1j}})
    assert json.loads(capsys.readouterr().out) == {"summary": "b'x'", "of": "{1j}"}


def test_a_counter_is_silent_where_nobody_waits(capsys):
    """Logs hold no progress."""
    counter = Counter("sent")
    counter.show(3)
    counter.clear()
    assert capsys.readouterr() == ("", "")


def test_a_counter_counts_on_a_terminal_and_leaves_nothing(monkeypatch):
    """On stderr: stdout is for data."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    counter = Counter("sent")
    counter.show(1234)
    assert terminal.getvalue() == "\r\x1b[K1,234 sent"
    counter.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert os.linesep not in terminal.getvalue()
