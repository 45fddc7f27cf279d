"""What a process tells its supervisor."""

import os
import threading

import pytest

from task_core.supervisor import leash
from task_core.supervisor.leash import ENDED, READY, Leash


@pytest.fixture
def heard(monkeypatch):
    """Returns what a supervisor has heard."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    for name, value in (("channel", theirs), ("signals", None), ("began", ())):
        monkeypatch.setattr(Leash, name, value)

    def hear():
        try:
            return os.read(ours, 64)
        except BlockingIOError:
            return b""

    yield hear
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("begun", "signals", "told"),
    [
        (True, [], READY + ENDED),
        (False, [], ENDED),
        (True, [15], READY),
        (False, [15], b""),
    ],
)
def test_an_end_tells_whether_it_had_begun(heard, monkeypatch, begun, signals, told):
    """However soon it comes: what never began may be what never works."""
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)  # it is late
    began = threading.Event()
    leash.announce([began], signals)
    if begun:
        began.set()
    leash.tell_end()
    assert heard() == told


def test_what_never_ran_tells_nothing(heard):
    """Its exit code says enough."""
    leash.tell_end()
    assert heard() == b""
