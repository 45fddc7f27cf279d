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

    def make(program):
        popen = subprocess.Popen

        def start(words, **options):
            return popen([sys.executable, "-c", program], **options)

        monkeypatch.setattr("task_core.supervisor.child.subprocess.Popen", start)
        made.append(Child(LAUNCH, "1", Restart.ALWAYS, Lines()))
        assert made[0].start()
        return made[0]

    yield make
    for one in made:
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


def test_what_the_system_cannot_start_now_is_tried_again(monkeypatch):
    """The others go on: it may be memory that is short, and comes back."""

    def refuse(*words, **options):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

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
