"""Rules of clients: any thread sends, calls and reads, with the bus's guarantees."""

import gc
import os
import subprocess
import sys
import threading
from contextlib import closing, suppress

import pytest
from task_testing import FlakyBus

from task_core.api import (
    BusClosedError,
    BusConnectionError,
    Message,
    PayloadError,
    SendError,
    Task,
    UnsupportedCapabilityError,
    worker,
)
from task_core.builtin.bus_options import FileOptions
from task_core.builtin.buses import file
from task_core.client.client import Client
from task_core.client.connect import open_bus as open_file_bus
from task_core.discovery.claims import Claims
from task_core.errors import DecodeError, DuplicateError, UsageError
from task_core.wire import decode_task, encode_task


def infos(bus, topic):
    """Take all that is on a topic."""
    found = bus.subscribe(topic, "look").receive(5000, 0)
    return [decode_task(delivery.body).info for delivery in found]


def test_what_was_sent_is_confirmed_and_returned(client, bus):
    """With type and info, a new id, and the fields that were given."""
    task = client.send("load", "s3://b/a.csv", meta="a=b", job="j")
    assert (task.type, task.info, task.meta, task.job) == (
        *("load", "s3://b/a.csv"),
        *("a=b", "j"),
    )
    (delivery,) = bus.subscribe("load", "look").receive(9, 0)
    assert delivery.body == encode_task(task)


def test_a_task_goes_to_its_type_or_to_the_topic_that_is_given(client, bus):
    """As with `task send`."""
    client.send(Task.new("load", "1"))
    client.send(Task.new("load", "2"), topic="other")
    assert (infos(bus, "load"), infos(bus, "other")) == (["1"], ["2"])


def test_a_task_is_sent_as_it_is(client):
    """Its fields are its own."""
    with pytest.raises(TypeError, match="a task says itself"):
        client.send(Task.new("load"), "info")


def test_many_tasks_leave_in_order(client, bus):
    """Whatever the batches are."""
    sent = client.send_many(Task.new("load", str(n)) for n in range(1234))
    assert (sent.count, sent.unsent, sent.error) == (1234, (), None)
    assert infos(bus, "load") == [str(n) for n in range(1234)]


def test_a_task_that_cannot_be_carried_is_named_and_the_others_are_sent():
    """The result says what was confirmed and what was not."""
    error = PayloadError("too long", [1])
    flaky = FlakyBus(failures={"send": [error]})
    with Client(lambda: flaky, "done", "flaky") as client:
        tasks = [Task.new("load", str(n)) for n in range(3)]
        sent = client.send_many(tasks)
    assert sent.count == 2
    assert [task.info for task in sent.unsent] == ["1"]
    assert "too long" in str(sent.error)


def test_what_a_broker_did_not_confirm_is_told():
    """By its position among what was sent."""
    flaky = FlakyBus(failures={"send": [SendError("half", [1])]})
    with Client(lambda: flaky, "done", "flaky") as client:
        sent = client.send_many([Task.new("load", "a"), Task.new("load", "b")])
    assert (sent.count, [one.info for one in sent.unsent]) == (1, ["b"])


def test_a_lost_connection_is_made_again():
    """Within the caller's time."""
    failures = {"send": [BusConnectionError("away")] * 2}
    flaky = FlakyBus(failures=failures)
    with Client(lambda: flaky, "done", "flaky") as client:
        client.send("load", "a")
    assert [call for call, _ in flaky.calls] == ["send", "close"]


def test_a_broker_that_stays_away_is_an_error_in_bounded_time():
    """And the client can be used again."""

    def away():
        raise BusConnectionError("nobody answers at :1")

    with (
        Client(away, "done", "away") as client,
        pytest.raises(BusConnectionError, match="nobody answers at :1"),
    ):
        client.send("load", timeout=0.3)


def test_a_closed_client_says_so(client):
    """Whatever is asked of it; closing again is no error."""
    client.send("load")
    client.close()
    client.close()
    for act in (
        lambda: client.send("load"),
        lambda: client.call("load"),
        lambda: client.read("load", channel="x"),
    ):
        with pytest.raises(BusClosedError, match="the client of bus 'memory' is"):
            act()


def test_many_threads_share_a_client(client, bus):
    """Nothing is lost or sent twice."""
    threads = [
        threading.Thread(
            target=lambda n=n: [client.send("load", f"{n}-{m}") for m in range(50)]
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {f"{n}-{m}" for n in range(8) for m in range(50)}
    found = infos(bus, "load")
    assert set(found) == expected
    assert len(found) == len(expected)


def answer(open_bus, count, topic="load"):
    """Do tasks as a worker would, in a thread; return it."""

    def work():
        with Client(open_bus, "done", "memory") as worker:
            for _, task in zip(
                range(count), worker.read(topic, channel="w", timeout=9), strict=False
            ):
                task.end("complete", f"did {task.info}")
                worker.send(task, topic="done")

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_call_returns_the_done_task(client, open_bus):
    """That of its id, whatever else is done."""
    thread = answer(open_bus, 2)
    client.send("load", "other")
    done = client.call("load", "mine", timeout=9)
    thread.join()
    assert (done.result, done.msg) == ("complete", "did mine")


def test_a_call_leaves_no_channel_behind(client, open_bus, bus):
    """When the client is closed."""
    thread = answer(open_bus, 1)
    client.call("load", "x", timeout=9)
    thread.join()
    assert [one.name for one in bus.channels("done")] != []
    client.close()
    assert [one.name for one in bus.channels("done")] == []


def test_a_call_that_nobody_answers_says_so(client):
    """It was sent; nobody knows whether it will be done."""
    with pytest.raises(TimeoutError, match="of id 7 is not done after"):
        client.call(Task.new("load", id="7"), timeout=0.2)


def test_a_call_needs_an_id(client):
    """Else nobody could tell its done task."""
    with pytest.raises(UsageError, match="without an id"):
        client.call(Task.new("load", id=""))


def test_a_bus_without_channels_cannot_call_and_sends_nothing(tmp_path, monkeypatch):
    """It says so before anything is sent."""
    from task_core.api.bus import BusContext

    monkeypatch.chdir(tmp_path)
    with (
        Client(
            lambda: file.open(FileOptions(), BusContext()), "done", "file"
        ) as client,
        pytest.raises(UnsupportedCapabilityError, match="cannot do call"),
    ):
        client.call("load", timeout=1)
    assert list(tmp_path.iterdir()) == []


def test_what_the_body_leaves_is_settled_and_what_it_breaks_off_comes_again(client):
    """The iterator gives back what was not left."""
    client.send_many(Task.new("load", info) for info in "abc")
    tasks = client.read("load", channel="report", timeout=0.1)
    assert [next(tasks).info, next(tasks).info] == ["a", "b"]
    tasks.close()
    rest = client.read("load", channel="report", timeout=0.1)
    assert [task.info for task in rest] == ["b", "c"]


def test_what_is_no_task_goes_to_the_dead_topic(client, bus):
    """As a launcher does it."""
    bus.producer().send([Message("load", b"junk")])
    assert list(client.read("load", channel="report", timeout=0.1)) == []
    (delivery,) = bus.subscribe("load.dead", "look").receive(9, 0)
    assert b"not JSON" in delivery.body


PROGRAM = """
import os, sys
from task_core.api.bus import BusContext
from task_core.client.client import Client
from task_core.client.connect import open_bus as open_file_bus
from task_bus_sqlite.plugin import sqlite

options = sqlite.options(path="task.db")
client = Client(lambda: sqlite.open(options, BusContext()), "done", "sqlite")
client.send("load", "parent")
pid = os.fork()
client.send("load", "child" if pid == 0 else "again")
if pid:
    os.waitpid(pid, 0)
print(len(list(client.read("load", channel="x", timeout=0.2))), flush=True)
"""


def test_a_client_survives_a_fork_and_closes_with_the_program(tmp_path):
    """The child connects anew; nobody closes it, and the program ends."""
    done = run(PROGRAM, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sum(map(int, done.stdout.split())) == 3


@pytest.mark.parametrize("meta", [["a"], 7, None, b"a=b", {"a": 1}, {"a": None}])
def test_a_meta_that_is_no_text_is_refused_at_the_caller(client, bus, meta):
    """A mapping of texts is fine."""
    assert client.send("load", meta={"a": "b&c", "d": ["1", "2"]}).meta == (
        "a=b%26c&d=1&d=2"
    )
    with pytest.raises(TypeError, match="meta"):
        client.send("load", "b", meta=meta)
    assert infos(bus, "load") == [""]


def test_a_payload_over_the_limit_is_refused_and_nothing_is_sent():
    """Of many, the others are sent; the next one finds a client that works."""
    from task_core.api import Capabilities

    limited = FlakyBus(capabilities=Capabilities(max_bytes=200), failures={})
    with Client(lambda: limited, "done", "limited") as client:
        with pytest.raises(PayloadError, match="200"):
            client.send("load", "x" * 200)
        long, short = Task.new("load", "x" * 200), Task.new("load", "a")
        sent = client.send_many([short, long, short])
        assert (sent.count, sent.unsent) == (2, (long,))
        client.send("load", "b")
    assert [call for call, _ in limited.calls].count("send") == 2


def test_a_broker_that_goes_away_in_mid_batch_leaves_what_is_not_confirmed():
    """No more are taken from the source; the caller may send the rest again."""
    error = BusConnectionError("gone")
    flaky = FlakyBus(failures={"send": [SendError("half", [1]), *[error] * 99]})
    source = iter([Task.new("load", str(n)) for n in range(2000)])
    with Client(lambda: flaky, "done", "flaky") as client:
        sent = client.send_many(source, timeout=0.3)
    assert isinstance(sent.error, SendError | BusConnectionError)
    assert sent.count + len(sent.unsent) + len(list(source)) == 2000
    assert next(iter(sent.unsent)).info == "1"


def test_what_was_confirmed_try_by_try_is_told_by_its_place_in_the_batch():
    """Not by its place in what was left for the last try."""
    none = SendError("none", [0, 1], transient=True)
    half = SendError("half", [2, 3], transient=True)
    flaky = FlakyBus(failures={"send": [half, *[none] * 999]})
    with Client(lambda: flaky, "done", "flaky") as client:
        sent = client.send_many([Task.new("load", n) for n in "abcd"], timeout=0.3)
    assert (sent.count, [task.info for task in sent.unsent]) == (2, ["c", "d"])


def test_what_was_confirmed_of_a_batch_is_not_sent_again_where_it_is_to_be_unique():
    """The claims of the others are given back."""

    class Memory:
        def __init__(self):
            self.sent = set()

        def decider(self, _):
            return self.claim

        def observer(self, _):
            return lambda task, topic: self.sent.discard(task.info)

        def claim(self, task, topic, seconds):
            before = task.info in self.sent
            self.sent.add(task.info)
            return "a" if before else ""

    memory = Memory()
    flaky = FlakyBus(failures={"send": [SendError("half", [2])]})
    with Client(lambda: flaky, "done", "flaky", lambda: Claims(memory)) as client:
        tasks = [Task.new("load", info) for info in "abc"]
        sent = client.send_many(tasks, unique="1h")
        assert (sent.count, sent.unsent, memory.sent) == (2, (tasks[2],), {"a", "b"})
        with pytest.raises(DuplicateError):
            client.send(tasks[0], unique="1h")
        assert client.send(tasks[2], unique="1h")


def run(program, cwd=None):
    """Run a program in a Python of its own, which may fork beside threads."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


AWAY_AT_EXIT = """
import threading
from contextlib import suppress
from task_testing import RecordingBus
from task_core.client.client import Client
from task_core.client.connect import open_bus as open_file_bus

class Stuck(RecordingBus):
    def _close(self):
        threading.Event().wait()

client = Client(Stuck, "done", "stuck")
client.send("load", "a")
print("sent", flush=True)
"""


def test_a_broker_that_is_away_at_the_exit_holds_up_nobody():
    """The program ends in bounded time, with its own exit code."""
    done = run(AWAY_AT_EXIT)
    assert (done.returncode, done.stdout) == (0, "sent\n"), done.stderr


def test_a_client_that_nobody_has_any_more_closes_by_itself(open_bus, bus):
    """Its threads, connections and channels are not left behind."""

    def threads():
        return [one for one in threading.enumerate() if one.name == "task-dropped"]

    client = Client(open_bus, "done", "dropped")
    worker = answer(open_bus, 1)
    client.call("load", "x", timeout=60)
    worker.join()
    (thread,) = threads()
    assert [one.name for one in bus.channels("done")] != []
    del client
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()
    assert [one.name for one in bus.channels("done")] == []


DROPPED = """
from contextlib import suppress
from task_core import connect
from task_core.client import parts

parts.LAST_WORDS = 60.0  # a busy machine may take more than a program should
with suppress(TimeoutError):
    connect("sqlite://task.db").call("nobody", timeout=2)
"""


def test_what_a_dropped_client_is_about_to_close_is_closed_at_the_exit(tmp_path):
    """The program does not end before."""
    done = run(DROPPED, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    with closing(open_file_bus(f"sqlite://{tmp_path}/task.db")) as bus:
        assert bus.channels("done") == []


FORKED = """
import os, sys
from task_core import connect
from task_core.api import BusClosedError

client = connect("memory:forked")
client.send("load")
client.close()
pid = os.fork()
if pid == 0:
    try:
        client.send("load")
    except BusClosedError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_closed_client_stays_closed_in_a_forked_child():
    """It says so there as well."""
    done = run(FORKED)
    assert "the client of bus 'memory' is closed" in done.stdout, done.stderr


WHILE_ONE_SENDS = """
import os, threading
from task_testing import RecordingBus
from task_core.client.client import Client

inside, go = threading.Event(), threading.Event()

class Slow(RecordingBus):
    in_use = False

    def record(self, call, things=()):
        super().record(call, things)
        self.in_use = True
        if len(self.calls) > 1:
            inside.set()
            go.wait()
        self.in_use = False

bus = Slow()
client = Client(lambda: bus, "done", "slow")
client.send("load", "a")
thread = threading.Thread(target=client.send, args=("load", "b"))
thread.start()
inside.wait()
os.register_at_fork(before=go.set)  # before that of the client
pid = os.fork()
if pid == 0:
    print("in use" if bus.in_use else "not in use", flush=True)
    os._exit(0)
os.waitpid(pid, 0)
thread.join()
print(client.send("load", "c").info)
"""


def test_a_fork_waits_for_who_is_sending():
    """A library may not outlive it in mid-call: SQLite does not."""
    done = run(WHILE_ONE_SENDS)
    assert done.stdout == "not in use\nc\n", done.stderr


ALL_AWAY_AT_EXIT = """
import threading, time
from task_testing import RecordingBus
from task_core.client import parts
from task_core.client.client import Client

class Stuck(RecordingBus):
    def _close(self):
        threading.Event().wait()

parts.LAST_WORDS = 0.5
joined = threading.Thread.join

def join(self, timeout=None):
    print("waits", timeout is not None and timeout <= 0.5 and timeout > 0, flush=True)
    joined(self, timeout)

clients = [Client(Stuck, "done", "stuck") for _ in range(3)]
for client in clients:
    client.send("load", "a")
threading.Thread.join = join
"""


def test_all_clients_have_the_same_last_words_at_the_exit():
    """Not one after the other."""
    done = run(ALL_AWAY_AT_EXIT)
    assert done.stdout == "waits True\nwaits False\nwaits False\n", done.stderr


def test_a_closed_client_reads_no_more(client, bus):
    """A loop ends, also one that waits in another thread; what it has is settled."""
    seen, began = [], threading.Event()

    def read():
        for task in client.read("load", channel="x"):
            seen.append(task.info)
            began.set()

    thread = threading.Thread(target=read)
    thread.start()
    client.send("load", "a")
    assert began.wait(60)
    client.close()
    thread.join(60)
    assert not thread.is_alive()
    bus.producer().send([Message("load", encode_task(Task(type="load", info="b")))])
    assert (seen, bus.depth("load", "x")) == (["a"], 1)


def test_a_generator_that_fails_is_told_when_what_it_gave_is_sent(client, bus):
    """Nothing that was taken is lost without a word."""

    def tasks():
        for number in range(700):
            yield Task.new("load", str(number))
        raise LookupError("no more rows")

    bus.subscribe("load", "w")
    with pytest.raises(LookupError, match="no more rows"):
        client.send_many(tasks())
    assert bus.depth("load", "w") == 700


NOT_UTF_8 = os.fsdecode(b"caf\xe9.csv")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"info": NOT_UTF_8}, DecodeError),
        ({"job": NOT_UTF_8}, DecodeError),
        ({"meta": {"file": NOT_UTF_8}}, TypeError),
    ],
)
def test_half_a_character_is_not_sent_as_another_text(client, given, error):
    """A name of a file that is not UTF-8 holds such."""
    with pytest.raises(error, match="'caf.*' holds half a character"):
        client.send("load", **given)


def test_a_done_task_that_comes_with_others_is_found(client, bus):
    """Whoever is before it in what the bus hands out together."""

    def answer_together():
        consumer = bus.subscribe("load", "w")
        (delivery,) = consumer.receive(1, 20)
        mine = decode_task(delivery.body)
        mine.end("complete", "mine")
        other = encode_task(Task(type="load", info="x", id="other"))
        messages = [Message("done", other)] * 3 + [Message("done", encode_task(mine))]
        consumer.settle([delivery], messages)

    thread = threading.Thread(target=answer_together)
    thread.start()
    assert client.call("load", timeout=300).msg == "mine"
    thread.join()


@pytest.mark.parametrize("info", [3, None, {"a": 1}])
def test_what_nobody_could_read_is_refused_and_not_sent(client, info):
    """It would be a dead letter, far from who made it."""
    with pytest.raises(DecodeError, match="info"):
        client.send("load", info)
    good, bad = Task.new("load", "a"), Task.new("load", info)
    sent = client.send_many([good, bad, good])
    assert (sent.count, sent.unsent) == (2, (bad,))
    assert "info" in str(sent.error)


def test_what_is_no_task_is_named(client):
    """A text alone says not whether it is a type or an info."""
    with pytest.raises(UsageError, match="a task is wanted, not 7"):
        client.send(7)
    with pytest.raises(UsageError, match="a task is wanted, not 'a'"):
        client.send_many(["a"])
    with pytest.raises(UsageError, match="the type is empty: say what the task is"):
        client.send("", "x")


@worker
def load_table(info: str) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (
            load_table,
            "the worker 'load_table': load_table.task(…) makes one, and checks it",
        ),
        (str.upper, "a method_descriptor: make one with Task.new"),
        (Task, "the class Task: make one with Task.new"),
    ],
)
def test_who_gives_a_worker_for_a_task_is_told_how_to_make_one(client, thing, text):
    """However it is written: everybody who comes from elsewhere gives the worker."""
    for act in (
        lambda: client.send(thing),
        lambda: client.send(thing, "x"),
        lambda: client.send(thing, path="/a", table="b"),
        lambda: client.call(thing, "x"),
        lambda: client.send_many([thing]),
    ):
        with pytest.raises(UsageError) as caught:
            act()
        assert str(caught.value) == f"a task is wanted, not {text}"


def test_a_delay_may_have_a_unit(client):
    """As everywhere; and is not negative."""
    assert client.send("load", "a", delay="0s")
    with pytest.raises(UsageError, match="delay: "):
        client.send("load", "a", delay="-5s")
    with pytest.raises(UsageError, match="delay: "):
        client.send("load", "a", delay="soon")


@pytest.mark.parametrize("kind", ["../victim", "/victim", "a/../../victim"])
def test_a_type_that_leads_out_of_a_folder_is_no_topic(client, kind):
    """It comes from data; a topic that is named may be any path."""
    with pytest.raises(DecodeError, match="would lead out of the folder"):
        client.send(kind, "x")
    sent = client.send_many([Task.new(kind, "x"), Task.new("load", "y")])
    assert sent.count == 1
    assert "would lead out of the folder" in str(sent.error)
    client.send(kind, "x", topic="load")


@pytest.mark.parametrize("leave", ["break", "raise"])
def test_what_a_loop_leaves_comes_again_at_once(client, leave):
    """Not when garbage is collected; and its connection is closed."""
    client.send("load", "a")
    gc.disable()
    try:
        for _ in range(3):
            with suppress(ValueError):
                for task in client.read("load", channel="x", timeout=5):
                    if leave == "break":
                        break
                    raise ValueError(task.info)
        assert [one.info for one in client.read("load", channel="x", timeout=0)]
    finally:
        gc.enable()
