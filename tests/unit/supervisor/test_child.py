"""A process that is kept running, as its supervisor sees it."""

import errno
import os
import subprocess
import sys
import threading
from math import inf

import pytest

from task_core.api.command import Launch, Restart
from task_core.supervisor.child import Child

PATIENCE = 60.0
FLOOD = "import os\nwhile True: os.write(1, b'x' * 99 + b'\\n')"
LAUNCH = Launch(
    name="1",
    words=(),
    environment={},
    buses=(),
    kill_time=1.0,
    own=None,
    fail=False,
)


class Lines:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def write(self, name, lines):
        pass

    def tell(self, name, text):
        self.told.append(text)

    def announce(self, text):
        self.told.append(text)


@pytest.fixture
def child(monkeypatch):
    """Return what makes a child that runs another program than ours."""
    made = []

    def make(program, lines=None):
        popen = subprocess.Popen

        def start(words, **options):
            return popen([sys.executable, "-c", program], **options)

        monkeypatch.setattr("task_core.supervisor.child.subprocess.Popen", start)
        made.append(Child(LAUNCH, "1", Restart.ALWAYS, lines or Lines()))
        assert made[0].start()
        return made[0]

    yield make
    for one in made:
        if not one.runs:
            continue
        one.kill()
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        one.reap(stopping=True)


def test_one_that_prints_without_end_leaves_others_their_turn(child):
    """Each look takes what there is: signals and other processes come next."""
    flood = child(FLOOD)
    looks = threading.Thread(target=lambda: [flood.read() for _ in range(100)])
    looks.daemon = True
    looks.start()
    looks.join(PATIENCE)
    assert not looks.is_alive()


def test_a_stop_of_one_that_has_just_died_leaves_its_end_to_be_seen(child):
    """An end that was taken note of elsewhere took the supervisor with it."""
    short = child("")
    os.waitid(os.P_PID, short.pid, os.WEXITED | os.WNOWAIT)
    short.stop()
    short.hurry()
    assert short.has_ended()


def refuse(*words, **options):
    """Start nothing, as when memory is short."""
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def test_what_the_system_cannot_start_now_is_tried_again(monkeypatch):
    """The others go on: it may be memory that is short, and comes back."""
    monkeypatch.setattr("task_core.supervisor.child.subprocess.Popen", refuse)
    lines = Lines()
    one = Child(LAUNCH, "1", Restart.ALWAYS, lines)
    open_before = len(os.listdir("/proc/self/fd"))
    assert not one.start()
    assert not one.runs
    assert one.moment < inf
    assert len(os.listdir("/proc/self/fd")) == open_before
    (told,) = lines.told
    assert told.startswith("cannot start: Resource temporarily unavailable; tries")


@pytest.mark.parametrize("lived", [0.0, 3600.0, None])
def test_what_the_system_cannot_start_is_tried_less_and_less_often(
    child, monkeypatch, lived
):
    """Whether it never ran, or did so for a moment or long: then memory is short."""
    lines = Lines()
    if lived is None:
        one = Child(LAUNCH, "1", Restart.ALWAYS, lines)
    else:
        one = child("", lines)
        one.started -= lived
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        one.reap(stopping=False)
    monkeypatch.setattr("task_core.supervisor.child.subprocess.Popen", refuse)
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    lines.told.clear()
    for _ in range(8):
        assert not one.start()
    pauses = [float(told.split()[-1][:-1]) for told in lines.told]
    all_pauses = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert pauses == all_pauses[lived is not None :][:8]


def test_a_good_life_forgets_failures_before_it(child, monkeypatch):
    """The next pause is the first again."""
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    one = child("", lines := Lines())
    for lived in (0.0, 0.0, 3600.0):
        if not one.runs:
            assert one.start()
        one.started -= lived
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        one.reap(stopping=False)
    assert [told.split()[-1] for told in lines.told] == ["0.5s", "1.0s", "0.5s"]


def lives(one, *, ready):
    """Let it run until it has ended by itself."""
    if not one.runs:
        assert one.start()
    one.ready = ready
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    one.reap(stopping=False)


@pytest.mark.parametrize("code", [2, 3])
def test_only_one_that_never_worked_can_never_work(child, code):
    """One that has may find its database away when it starts again: it tries on."""
    one = child(f"raise SystemExit({code})", lines := Lines())
    for ready in (True, False, False):
        lives(one, ready=ready)
        assert (one.hopeless, one.ended) == (False, False)
        assert "starts again in" in lines.told[-1]
    one.renew()  # what it runs is another, which never worked
    lives(one, ready=False)
    assert (one.hopeless, one.ended) == (True, True)


def test_what_runs_when_it_changes_speaks_not_for_what_comes_next(child):
    """It was ready with what it had."""
    one = child("raise SystemExit(3)")
    one.renew()
    lives(one, ready=True)
    assert (one.hopeless, one.ended) == (False, False)
    lives(one, ready=False)
    assert one.hopeless
