"""A broker's process starts, ends and never outlives who started it."""

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from brokers.ports import split
from brokers.process import BrokerError

PARENT = """
import sys
sys.path[:0] = [{checks!r}, {contrib!r}]
from conftest import Listener
broker = Listener()
broker.start()
print(broker.address, broker.folder, flush=True)
{then}
"""
CHECKS = Path(__file__).parent


def parent(then):
    """Start a process that starts a broker; return it, and what it tells."""
    script = PARENT.format(
        checks=str(CHECKS), contrib=str(CHECKS.parent.parent), then=then
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    )
    address, folder = process.stdout.readline().split()
    return process, address, Path(folder)


def is_gone(address, within=5):
    """Whether nobody listens there, soon."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        try:
            socket.create_connection(split(address), timeout=1).close()
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_started_broker_answers(make):
    broker = make()
    broker.start()
    assert broker.running
    assert broker.answers()


def test_starting_a_running_broker_changes_nothing(make):
    broker = make()
    broker.start()
    pid = broker.pid
    broker.start()
    assert broker.pid == pid


def test_stop_lets_it_end_in_order_and_waits(make):
    broker = make()
    broker.start()
    broker.stop()
    assert not broker.running
    assert (broker.folder / "ended").exists()


def test_kill_gives_it_no_time(make):
    broker = make()
    broker.start()
    broker.kill()
    assert not broker.running
    assert not (broker.folder / "ended").exists()


def test_a_broker_that_does_not_obey_is_killed(make):
    broker = make(manners="deaf")
    broker.stop_seconds = 0.2
    broker.start()
    broker.stop()
    assert not broker.running


def test_a_restarted_broker_has_its_address_and_its_folder(make):
    broker = make()
    broker.start()
    before = broker.address, broker.folder, broker.pid
    broker.restart()
    assert (broker.address, broker.folder) == before[:2]
    assert broker.pid != before[2]
    assert broker.answers()
    assert (broker.folder / "ended").exists()


def test_a_killed_broker_starts_again_at_its_address(make):
    broker = make()
    broker.start()
    broker.kill()
    broker.start()
    assert broker.answers()


def test_a_paused_broker_is_silent_until_it_goes_on(make):
    broker = make()
    broker.start()
    broker.pause()
    with pytest.raises(TimeoutError):
        broker.answers()
    broker.resume()
    assert broker.answers()


def test_a_paused_broker_can_be_ended(make):
    broker = make()
    broker.start()
    broker.pause()
    broker.close()
    assert not broker.running


def test_one_that_ends_at_once_shows_its_status_and_its_log(make):
    broker = make(script="import sys; sys.exit('no room on disk')")
    with pytest.raises(BrokerError, match=r"listener ended with status 1") as info:
        broker.start()
    assert "no room on disk" in str(info.value)


def test_one_that_never_answers_is_ended_and_its_log_shown(make):
    broker = make(script="print('thinking', flush=True); import time; time.sleep(60)")
    broker.start_seconds = 0.5
    with pytest.raises(BrokerError, match=r"did not answer within 0.5 s") as info:
        broker.start()
    assert "thinking" in str(info.value)
    assert not broker.running


def test_one_that_fails_to_start_can_be_started_later(make):
    broker = make(script="raise SystemExit(1)")
    with pytest.raises(BrokerError):
        broker.start()
    broker.script = make().script
    broker.start()
    assert broker.answers()


def test_a_temporary_folder_goes_and_a_given_one_stays(make, tmp_path):
    passing, staying = make(), make(folder=tmp_path / "data")
    for broker in (passing, staying):
        broker.start()
        broker.close()
        broker.close()
    assert not passing.folder.exists()
    assert "at your service" in (tmp_path / "data" / "broker.log").read_text()


def test_with_ends_it_also_when_the_body_fails(make):
    with pytest.raises(RuntimeError, match="mine"), make() as broker:
        raise RuntimeError("mine")
    assert not broker.running


def test_stop_kill_and_close_before_the_first_start_do_nothing(make):
    broker = make()
    broker.stop()
    broker.kill()
    broker.close()
    assert not broker.running


def test_a_broker_ends_with_the_process_that_started_it():
    process, address, folder = parent("")
    with process:
        assert process.wait(20) == 0
    assert is_gone(address)
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_broker_ends_with_a_process_that_is_killed(number):
    process, address, folder = parent("import time; time.sleep(60)")
    with process:
        process.send_signal(number)
    assert is_gone(address)
    shutil.rmtree(folder)


def test_a_broker_outlives_the_thread_that_started_it(make):
    """A thread of a test may restart a broker that later tests need."""
    broker = make()
    thread = threading.Thread(target=broker.start)
    thread.start()
    thread.join()
    assert broker.answers()
    assert broker.running
