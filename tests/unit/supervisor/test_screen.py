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


def test_what_a_worker_prints_stays_on_its_line_on_a_terminal(monkeypatch, capsys):
    """Colours are left to it; where nobody looks, all its bytes are."""
    wild = b"\x1b[2Jold\r10%\r\x1b[31mred\x1b[0m \x1b]52;c;eA==\x07\r"
    Screen(["load"]).write("load", [wild])
    assert capsys.readouterr().err == f"load | {wild.decode()}\n"
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    Screen(["load"]).write("load", [wild])
    tame = "\x1b[31mred\x1b[0m \\x1b]52;c;eA==\\x07"
    assert capsys.readouterr().err == f"load | {tame}\n"
