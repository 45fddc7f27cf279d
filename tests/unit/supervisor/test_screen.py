"""What processes say is shown by lines."""

from task_core.supervisor.screen import LONGEST, Lines, Screen


def test_pieces_become_lines():
    """Whatever the pieces are."""
    lines = Lines()
    assert lines.add(b"on") == []
    assert lines.add(b"e\r\ntwo\nth") == [b"one", b"two"]
    assert lines.end() == b"th"


def test_a_line_without_an_end_is_shown_in_parts():
    """Nothing grows for ever."""
    lines = Lines()
    assert sum(map(len, lines.add(b"x" * (LONGEST + 1)))) == LONGEST + 1
    assert lines.end() == b""


def test_what_is_no_text_is_shown_as_well(capsys):
    """A program may print anything."""
    Screen(["load", "fetch"]).write("load", [b"\xff"])
    assert capsys.readouterr().err == "load  | \ufffd\n"
