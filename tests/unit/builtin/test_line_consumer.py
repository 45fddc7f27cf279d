"""Rules of `task_core.builtin.line_consumer`."""

import os
import pty
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest

from task_core.builtin.line_consumer import LineConsumer
from task_core.builtin.stdio_bus import NullBus
from task_core.builtin.streams import LINES
from task_core.errors import BusClosedError, BusError

BUS = NullBus("stdio", LINES)


def consume(fd, owned=False):
    return LineConsumer(BUS, "load", "load", fd, "stdin", owned=owned)


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def read_all(consumer, limit=1000):
    found = []
    while not consumer.exhausted:
        found += bodies(consumer.receive(limit, 10))
    return found


@pytest.fixture
def pipe():
    ear, mouth = os.pipe()
    ends = {"ear": ear, "mouth": mouth}

    class Pipe:
        read_end = ear
        write_end = mouth

        def write(self, data):
            os.write(mouth, data)

        def hang_up(self):
            os.close(ends.pop("mouth"))

    yield Pipe()
    for fd in ends.values():
        os.close(fd)


@pytest.fixture
def consumer(pipe):
    consumer = consume(pipe.read_end)
    yield consumer
    consumer.close()


def test_lines_arrive_in_order_and_then_the_consumer_is_exhausted(pipe, consumer):
    """The last line counts without its newline; blank ones do not."""
    pipe.write(b"a\n\n  \nb\r\nc")
    pipe.hang_up()
    assert read_all(consumer, limit=1) == [b"a", b"b", b"c"]
    assert consumer.receive(5, 10) == ()


def test_receive_returns_as_soon_as_there_is_one(pipe, consumer):
    """It does not wait for `limit`."""
    pipe.write(b"a\n")
    assert bodies(consumer.receive(100, 10)) == [b"a"]


def test_receive_never_returns_more_than_limit(pipe, consumer):
    """Even of lines that are very short."""
    pipe.write(b"a\n" * 100)
    assert len(consumer.receive(7, 1)) <= 7


@pytest.mark.parametrize("timeout", [0, 0.05])
@pytest.mark.parametrize("partial", [b"", b"half a li"])
def test_receive_returns_nothing_at_the_timeout(pipe, consumer, timeout, partial):
    """Not later because of half a line."""
    if partial:
        pipe.write(partial)
    begin = time.monotonic()
    assert consumer.receive(1, timeout) == ()
    assert timeout <= time.monotonic() - begin < timeout + 5


def test_timeout_zero_reads_a_whole_waiting_line(pipe, consumer):
    """Though a strict reader takes it in small pieces."""
    pipe.write(b"x" * 5000 + b"\n")
    assert bodies(consumer.receive(1, 0)) == [b"x" * 5000]


def test_a_line_that_never_ends_does_not_hold_up_the_timeout():
    """Nor does a source that is always ready."""
    fd = os.open("/dev/zero", os.O_RDONLY)
    consumer = consume(fd, owned=True)
    begin = time.monotonic()
    assert consumer.receive(1, 0.05) == ()
    assert time.monotonic() - begin < 10
    consumer.close()


def test_wake_ends_a_wait_from_another_thread(consumer):
    """And the next wait when none is under way."""
    threading.Timer(0.02, consumer.wake).start()
    assert consumer.receive(1, 10) == ()
    consumer.wake()
    assert consumer.receive(1, 10) == ()


def test_a_strict_reader_hoards_no_line(pipe, consumer):
    """Another process at the same pipe could have the next task."""
    line = b'{"type":"load","info":"file:///data/a.json"}\n'
    pipe.write(line * 3)
    assert len(consumer.receive(1, 10)) == 1
    left = os.read(pipe.read_end, 1000)
    assert len(left) > len(line)


def test_drain_hands_over_what_was_read_ahead_of_a_pipe(pipe, consumer):
    """The unfinished last line too: nobody else can read it any more."""
    pipe.write(b"a\nb\nc\nhalf")
    assert bodies(consumer.receive(2, 10)) == [b"a", b"b"]
    assert bodies(consumer.drain()) == [b"c", b"half"]
    assert consumer.drain() == []


def test_a_regular_file_is_set_back_to_the_first_line_not_delivered(tmp_path):
    """Who reads on after us finds it there."""
    path = tmp_path / "tasks"
    path.write_bytes(b"a\n\nb\r\nc\nd")
    fd = os.open(path, os.O_RDONLY)
    consumer = consume(fd)
    assert bodies(consumer.receive(2, 10)) == [b"a"]
    assert consumer.drain() == ()
    consumer.close()
    assert os.read(fd, 100).lstrip(b"\n") == b"b\r\nc\nd"
    os.close(fd)


def test_a_file_read_to_its_end_is_not_set_back(tmp_path):
    """There is nothing to give back."""
    path = tmp_path / "tasks"
    path.write_bytes(b"a\nb")
    fd = os.open(path, os.O_RDONLY)
    consumer = consume(fd)
    assert read_all(consumer) == [b"a", b"b"]
    consumer.close()
    assert os.read(fd, 100) == b""
    os.close(fd)


def test_the_unended_last_line_of_a_file_is_given_back_whole(tmp_path):
    """The newline that it lacks is not counted."""
    path = tmp_path / "tasks"
    path.write_bytes(b"a\nb")
    fd = os.open(path, os.O_RDONLY)
    consumer = consume(fd)
    consumer.receive(1, 10)
    consumer.close()
    assert os.read(fd, 100) == b"b"
    os.close(fd)


def test_the_end_of_a_pipe_is_seen_without_reading(pipe, consumer):
    """Who may not take the next task yet, since there is a limit, asks for no more."""
    pipe.write(b"one\ntwo\n")
    assert len(consumer.receive(2, 10)) == 2
    assert not consumer.exhausted
    pipe.write(b"three")
    pipe.hang_up()
    assert not consumer.exhausted
    assert bodies(consumer.receive(1, 10)) == [b"three"]
    assert consumer.exhausted


def test_the_end_of_a_file_is_seen_without_reading(tmp_path):
    """As that of a pipe."""
    file = tmp_path / "in"
    file.write_bytes(b"one\n" * 20)
    with file.open("rb") as source:
        consumer = consume(source.fileno())
        for left in range(19, -1, -1):
            assert len(consumer.receive(1, 10)) == 1
            assert consumer.exhausted is (left == 0)


def test_nothing_at_all_is_exhausted_at_once():
    """`/dev/null` and empty files end like others."""
    fd = os.open(os.devnull, os.O_RDONLY)
    consumer = consume(fd, owned=True)
    assert read_all(consumer) == []
    consumer.close()


def test_a_terminal_is_read_line_by_line():
    """And ends with Ctrl-D."""
    ours, theirs = pty.openpty()
    consumer = consume(theirs)
    os.write(ours, b"a\nb\n\x04")
    assert read_all(consumer) == [b"a", b"b"]
    consumer.close()
    os.close(ours)
    os.close(theirs)


def test_a_descriptor_that_does_not_block_is_read_like_others(pipe, consumer):
    """Some parent set it so."""
    os.set_blocking(pipe.read_end, False)
    threading.Timer(0.02, pipe.write, [b"a\n"]).start()
    assert bodies(consumer.receive(1, 10)) == [b"a"]


def test_a_directory_is_refused_in_one_line(tmp_path):
    """As `task launch … < .` would have it."""
    fd = os.open(tmp_path, os.O_RDONLY)
    consumer = consume(fd, owned=True)
    with pytest.raises(BusError, match="^cannot read stdin: Is a directory$"):
        consumer.receive(1, 1)
    consumer.close()


def test_a_closed_stdin_is_refused_in_one_line(pipe):
    """As `task launch … <&-` would have it."""
    with pytest.raises(BusError, match="^cannot read stdin: Bad file descriptor$"):
        consume(os.sysconf("SC_OPEN_MAX") - 1)


def test_close_may_be_repeated_and_then_receive_says_so(pipe):
    """Before the first use, too; `wake` stays harmless."""
    consumer = consume(pipe.read_end)
    consumer.close()
    consumer.close()
    consumer.wake()
    with pytest.raises(BusClosedError):
        consumer.receive(1, 0)


def test_a_line_of_50_mb_passes_in_time_that_grows_with_its_length(tmp_path):
    """Twice as long takes about twice the time, at any limit."""
    size = 50_000_000
    path = tmp_path / "tasks"
    with path.open("wb") as file:
        file.write(b"short\n")
        file.write(b"x" * size + b"\nend\n")
    for limit in (1, 1000):
        fd = os.open(path, os.O_RDONLY)
        consumer = consume(fd, owned=True)
        begin = time.process_time()
        lengths = [len(body) for body in read_all(consumer, limit)]
        assert lengths == [5, size, 3]
        assert time.process_time() - begin < 10  # else it is minutes
        consumer.close()


def test_memory_stays_flat_over_many_lines():
    """A stream of 200,000 lines needs no more than its beginning."""
    code = (
        "import sys\nfor _ in range(200): sys.stdout.buffer.write(b'x' * 60 + b'\\n')"
    )
    code = code.replace("b'\\n')", "b'\\n' + (b'y' * 60 + b'\\n') * 999)")
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    consumer = consume(child.stdout.fileno())
    tracemalloc.start()
    count = 0
    while not consumer.exhausted:
        count += len(consumer.receive(2048, 10))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    consumer.close()
    child.communicate()
    assert count == 200_000
    assert peak < 2_000_000
