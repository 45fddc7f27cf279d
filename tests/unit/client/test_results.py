"""Rules of `task_core.client.results`: a done task finds who waits for it."""

import threading
from contextlib import contextmanager

import pytest

from task_core.client import results
from task_core.client.client import Client
from task_core.errors import BusConnectionError, BusError, OptionError
from task_core.task import Task

LONG = 60


@pytest.fixture
def watched(watch):
    """Return a client of which `act` hears what its reader does."""
    clients = []

    def watched(act):
        def open_bus():
            if threading.current_thread().name != "task-results":
                return watch(lambda _: None)
            act("open")
            return watch(act)

        clients.append(Client(open_bus, "done", "watched"))
        return clients[-1]

    yield watched
    for client in clients:
        client.close()


@contextmanager
def worker(open_bus, *, wait=lambda: None, count=1):
    """Do tasks in another thread, each after a wait."""

    def work():
        with Client(open_bus, "done", "memory") as client:
            tasks = client.read("load", channel="w", timeout=LONG)
            for _, task in zip(range(count), tasks, strict=False):
                wait()
                task.end("complete", f"did {task.info}")
                client.send(task, topic="done")

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def test_who_waits_is_answered_however_quiet_it_was(watched, open_bus, monkeypatch):
    """The reader ends when nobody waits, and not when nothing comes."""
    quiet = threading.Semaphore(0)
    monkeypatch.setattr(results, "IDLE", 0.01)
    client = watched(lambda what: quiet.release() if what == "receive" else None)

    def wait():
        for _ in range(5):
            assert quiet.acquire(timeout=LONG)

    with worker(open_bus, wait=wait, count=2):
        assert client.call("load", "a", timeout=LONG).msg == "did a"
        assert client.call("load", "b", timeout=LONG).msg == "did b"


def test_a_reader_for_whom_nobody_waits_goes(watched, open_bus, bus, monkeypatch):
    """With its channel, on a topic where others are done all the time as well."""
    gone = threading.Event()
    monkeypatch.setattr(results, "IDLE", 0.05)
    client = watched(lambda what: gone.set() if what == "close" else None)
    stop = threading.Event()

    def others():
        with Client(open_bus, "done", "memory") as busy:
            while not stop.wait(0.001):
                busy.send("load", topic="done")

    thread = threading.Thread(target=others)
    thread.start()
    with worker(open_bus):
        client.call("load", "a", timeout=LONG)
    assert gone.wait(LONG)
    stop.set()
    thread.join()
    client.close()
    assert bus.channels("done") == []


def test_a_done_task_is_handed_over_though_it_cannot_be_acknowledged(
    watched, open_bus, fail_first
):
    """It would come again when the lease is over, or never."""
    client = watched(fail_first("ack", BusConnectionError("cut")))
    with worker(open_bus, count=2):
        assert client.call("load", "a", timeout=LONG).msg == "did a"
        assert client.call("load", "b", timeout=LONG).msg == "did b"


def test_a_reader_that_fails_tells_those_who_wait(watched, open_bus, fail_first):
    """At once; and the next call makes another one."""
    client = watched(fail_first("receive", BusError("no longer allowed to read")))
    with worker(open_bus, count=2):
        with pytest.raises(BusError, match="no longer allowed to read"):
            client.call("load", "a", timeout=LONG)
        assert client.call("load", "b", timeout=LONG).msg == "did b"


@pytest.mark.parametrize("step", ["open", "receive"])
def test_each_who_waits_is_told_by_an_error_of_its_own(watched, monkeypatch, step):
    """One for all would be raised in several threads, and each add to it."""
    go, waiting, told = threading.Event(), threading.Semaphore(0), []
    await_start = results._Reader.await_start

    def await_noted(*arguments):
        waiting.release()
        await_start(*arguments)

    def fail(what):
        if what == step:
            assert go.wait(LONG)
            raise OptionError(["not allowed", "to read"])

    def call():
        with pytest.raises(OptionError) as error:
            client.call("load", timeout=LONG)
        told.append(error.value)

    monkeypatch.setattr(results._Reader, "await_start", await_noted)
    client = watched(fail)
    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert waiting.acquire(timeout=LONG)
    go.set()
    for thread in threads:
        thread.join()
    assert [str(error) for error in told] == ["not allowed\nto read"] * 3
    assert len({id(error) for error in told}) == 3


def test_calls_of_one_id_are_all_answered(client, bus):
    """By the first done task of that id; each has its own."""
    both = threading.Barrier(3)
    done = []

    def call():
        both.wait(LONG)
        done.append(client.call("load", id="order-7", timeout=LONG))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    both.wait(LONG)
    consumer = bus.subscribe("load", "w")
    for _ in threads:  # both are sent
        assert consumer.receive(1, LONG)
    task = Task.new("load", id="order-7")
    task.end("complete", "did it")
    client.send(task, topic="done")
    for thread in threads:
        thread.join()
    assert [task.msg for task in done] == ["did it", "did it"]
    assert done[0] is not done[1]


def test_a_bus_that_cannot_be_closed_is_no_trouble(
    watched, open_bus, monkeypatch, fail_first
):
    """All that was waited for has come."""
    raised = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    client = watched(fail_first("close", BusConnectionError("away at the end")))
    with worker(open_bus):
        client.call("load", "a", timeout=LONG)
    client.close()
    assert raised == []


def test_a_call_bears_with_a_broker_that_is_away_at_first(
    watched, open_bus, fail_first
):
    """As `send` does."""
    client = watched(fail_first("open", BusConnectionError("nobody answers at :1")))
    with worker(open_bus):
        assert client.call("load", "a", timeout=LONG).msg == "did a"


def test_a_call_gives_up_a_broker_that_stays_away_in_its_time(watched):
    """With what the broker says; nobody tries any more then."""
    tries = []

    def away(what):
        tries.append(what)
        raise BusConnectionError("nobody answers at :1")

    client = watched(away)
    with pytest.raises(BusConnectionError, match="nobody answers at :1"):
        client.call("load", timeout=0.5)
    assert len(tries) > 1
    for thread in threading.enumerate():
        if thread.name == "task-results":
            thread.join(LONG)
            assert not thread.is_alive()
