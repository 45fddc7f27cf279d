"""Rules of `task_core.launcher.signals`: real processes, real signals."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from task_core.errors import BusError
from task_core.launcher.signals import Supervisor

LIMIT = 30

LAUNCHER = """
import signal, sys, threading
from task_core.launcher.signals import Supervisor

class Launcher:
    '''Ends after so many stops.'''

    def __init__(self, stops):
        self.left = threading.Semaphore(0)
        self.stops = stops

    def run(self):
        print("running", flush=True)
        for number in range(self.stops):
            self.left.acquire()
            print("stop", number + 1, flush=True)

    def stop(self):
        self.left.release()

"""
SUPERVISE = """
supervisor = Supervisor(Launcher({stops}), kill_time={kill_time})
print("ended", supervisor.run(), [int(n) for n in supervisor.signals], flush=True)
"""


@pytest.fixture
def start():
    """Start a program that runs a supervisor; wait until its bus thread works."""
    started = []

    def start(stops, kill_time=60.0, before=""):
        code = LAUNCHER + before + SUPERVISE.format(stops=stops, kill_time=kill_time)
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "running\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def rest(process):
    """Return what else it prints until its end."""
    return process.communicate(timeout=LIMIT)[0].splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_a_stop(start, number):
    """The process ends when the launcher does, with its own exit code."""
    process = start(stops=1)
    process.send_signal(number)
    assert rest(process) == ["stop 1", f"ended True [{int(number)}]"]
    assert process.returncode == 0


def test_a_second_signal_is_a_second_stop(start):
    """The launcher decides what that means."""
    process = start(stops=2)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stop 1\n"
    process.send_signal(signal.SIGINT)
    assert rest(process) == ["stop 2", "ended True [15, 2]"]


def test_a_bus_thread_that_is_stuck_is_left_behind(start):
    """A second after the second signal."""
    process = start(stops=99)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stop 1\n"
    process.send_signal(signal.SIGTERM)
    assert rest(process)[-1] == "ended False [15, 15]"
    assert 0.9 < time.monotonic() - begin < 10


def test_a_stuck_bus_thread_does_not_hold_up_a_single_signal_for_ever(start):
    """The kill time and a margin."""
    process = start(stops=99, kill_time=-4.8)
    process.send_signal(signal.SIGTERM)
    assert rest(process)[-1] == "ended False [15]"


def test_a_signal_for_a_child_that_is_not_yet_itself_ends_it_and_stops_nobody_else():
    """A pool of multiprocessing ends children that have just been forked."""
    code = """
import os, signal
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
from task_core.launcher.signals import Supervisor

class Launcher:
    def run(self):
        if not (child := os.fork()):
            os._exit(0)
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        signal.raise_signal(signal.SIGINT)  # others are heard as before

    def stop(self):
        pass

supervisor = Supervisor(Launcher(), kill_time=60)
print("ended", supervisor.run(), [int(n) for n in supervisor.signals], flush=True)
"""
    command = [sys.executable, "-W", "ignore:::", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT, check=True
    )
    assert done.stdout.splitlines() == ["child -15", "ended True [2]"]


def test_a_signal_just_before_the_end_is_not_overheard():
    """Both are there when the main thread looks; the exit code tells of the signal."""
    code = """
import signal, threading
from task_core.launcher.signals import Supervisor

class Quick(threading.Thread):
    def start(self):
        super().start()
        self.join()

class Launcher:
    def run(self):
        signal.raise_signal(signal.SIGINT)

    def stop(self):
        pass

threading.Thread = Quick  # the main thread looks when it is through
supervisor = Supervisor(Launcher(), kill_time=60)
print("ended", supervisor.run(), [int(n) for n in supervisor.signals], flush=True)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT, check=True
    )
    assert done.stdout == "ended True [2]\n", done.stderr


def test_a_signal_that_comes_with_the_end_counts_whatever_their_order():
    """Both bytes are read at once; neither hides the other."""

    class LateSignal(Ending):
        def __init__(self):
            super().__init__()
            self.stops = 0

        def stop(self):
            self.stops += 1

    for numbers in (bytes([0, 2]), bytes([2, 0]), bytes([0, 2, 15])):
        launcher = LateSignal()
        supervisor = Supervisor(launcher, 10)
        ear, bell = os.pipe()
        try:
            os.write(bell, numbers)
            supervisor._listen(ear)
        finally:
            os.close(ear)
            os.close(bell)
        expected = [number for number in numbers if number]
        assert (supervisor.signals, launcher.stops) == (expected, len(expected))


def test_a_signal_while_the_handlers_are_put_back_counts(monkeypatch):
    """Until others handle it, it is ours."""

    class Quick(Ending):
        def stop(self):
            pass

    restore = signal.set_wakeup_fd

    def set_wakeup_fd(number):
        if number == -1:
            signal.raise_signal(signal.SIGTERM)
        return restore(number)

    kept = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        supervisor = Supervisor(Quick(), 10)
        monkeypatch.setattr(signal, "set_wakeup_fd", set_wakeup_fd)
        assert supervisor.run() is True
    finally:
        signal.signal(signal.SIGTERM, kept)
    assert supervisor.signals == [signal.SIGTERM]


def test_what_was_to_be_ignored_stays_ignored(start):
    """`nohup` and shells that start jobs in the background rely on it."""
    process = start(stops=1, before="signal.signal(signal.SIGHUP, signal.SIG_IGN)\n")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert rest(process) == ["stop 1", "ended True [15]"]


def test_signals_that_others_handle_are_no_stops(start):
    """A worker may use `SIGUSR1`, or wait for children."""
    handler = "lambda *_: print('usr1', flush=True)"
    process = start(stops=1, before=f"signal.signal(signal.SIGUSR1, {handler})\n")
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == "usr1\n"
    process.send_signal(signal.SIGTERM)
    assert rest(process) == ["stop 1", "ended True [15]"]


class Ending:
    """A launcher that ends by itself."""

    def __init__(self, error=None):
        self.error = error

    def run(self):
        self.thread = threading.current_thread().name
        if self.error:
            raise self.error

    def stop(self):
        raise AssertionError("nobody stopped it")


def test_a_launcher_that_ends_needs_no_signal():
    """It ran in the bus thread; the handlers are as they were before."""
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    launcher = Ending()
    supervisor = Supervisor(launcher, 10)
    assert supervisor.run() is True
    assert launcher.thread == "bus"
    assert supervisor.signals == []
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before


def test_what_the_launcher_raises_comes_out_in_the_main_thread():
    """Whatever it is."""
    with pytest.raises(BusError, match="gone"):
        Supervisor(Ending(BusError("gone")), 10).run()
    with pytest.raises(KeyboardInterrupt):
        Supervisor(Ending(KeyboardInterrupt()), 10).run()


REAL = """
import logging, sys
sys.path.insert(0, {folder!r})
from conftest import make_rig, ScriptBus, bodies
from task_core.launcher.signals import Supervisor

def worker(info, ctx):
    print("began", flush=True)
    return "cancelled" if ctx.wait(60) else "late"

bus = ScriptBus(bodies("a", "b"), bounded=False)
rig = make_rig(worker, bus, prefetch=1)
print(Supervisor(rig.launcher, 10).run())
print(bus.given_back, [task.msg for task in bus.done], flush=True)
"""


def test_a_signal_reaches_the_workers_of_a_real_launcher(tmp_path):
    """What runs finishes early and is settled; what waits is given back."""
    folder = __file__.rpartition("/")[0]
    process = subprocess.Popen(
        [sys.executable, "-c", REAL.format(folder=folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stdout.readline() == "began\n"
        process.send_signal(signal.SIGTERM)
        assert rest(process) == ["True", "[1] ['cancelled']"]
    finally:
        process.kill()
        process.communicate()


FREEZE = """
import re, threading, time
from task_core.launcher.signals import Supervisor

class Launcher:
    def run(self):
        print("running", flush=True)
        {work}

    def stop(self):
        pass

Supervisor(Launcher(), kill_time=60.0, longest_freeze={limit}).run()
print("ended", flush=True)
"""


def freeze(work):
    code = FREEZE.format(work=work, limit=1.0)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_a_process_in_which_no_python_runs_ends_with_the_place():
    """So that its task comes again, and is put aside in the end."""
    done = freeze("re.match('(a+)+b', 'a' * 40)")
    assert done.returncode == 1
    assert "Timeout (0:00:01)!" in done.stderr
    assert "in run" in done.stderr


def test_a_freeze_after_a_first_signal_ends_with_the_kill_time_on_every_bus():
    """Also where no lease would bring back what it holds."""
    code = """
import re, threading
from task_core.launcher.signals import Supervisor

class Launcher:
    def __init__(self):
        self.stopped = threading.Event()

    def run(self):
        print("running", flush=True)
        self.stopped.wait()
        re.match('(a+)+b', 'a' * 40)

    def stop(self):
        threading.Timer(0.1, self.stopped.set).start()

Supervisor(Launcher(), kill_time=-4.0).run()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=LIMIT)
    assert process.returncode == 1
    assert "Timeout" in told
    assert "in run" in told


def test_python_that_runs_long_is_no_freeze():
    """However busy it is."""
    done = freeze(
        "end = time.monotonic() + 3\n        while time.monotonic() < end: pass"
    )
    assert (done.returncode, done.stdout) == (0, "running\nended\n")


def test_a_process_that_was_stopped_and_goes_on_has_not_frozen():
    """Ctrl-Z, and `fg` a little later."""
    code = FREEZE.format(work="time.sleep(8)", limit=3.0)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTSTP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        time.sleep(3.5)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == "ended\n"
        assert process.wait(LIMIT) == 0
