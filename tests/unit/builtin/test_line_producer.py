"""Rules of `task_core.builtin.line_producer`."""

import os
import resource
import signal
import threading

import pytest

from task_core.api.message import Message
from task_core.builtin.line_producer import LineWriter
from task_core.builtin.stdio_bus import NullBus, StreamProducer
from task_core.builtin.streams import LINES
from task_core.errors import BusClosedError, PayloadError, SendError

BUS = NullBus("stdout", LINES)


def messages(*bodies, topic="done"):
    return [Message(topic, body) for body in bodies]


@pytest.fixture
def pipe():
    fds = list(os.pipe())
    yield fds
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            pass


def test_each_message_becomes_a_line(pipe):
    """In the order in which they were given."""
    StreamProducer(BUS, pipe[1], "stdout").send(messages(b"a", b"b"))
    assert os.read(pipe[0], 100) == b"a\nb\n"


def test_bytes_that_are_no_text_pass_untouched(pipe):
    """NUL and wrong UTF-8 are the reader's concern."""
    StreamProducer(BUS, pipe[1], "stdout").send(messages(b"\xff\x00"))
    assert os.read(pipe[0], 100) == b"\xff\x00\n"


def test_a_newline_in_a_body_is_refused_before_anything_is_written(pipe):
    """It would arrive as two messages."""
    producer = StreamProducer(BUS, pipe[1], "stdout")
    with pytest.raises(PayloadError, match="newline"):
        producer.send(messages(b"a", b"b\nc"))
    os.set_blocking(pipe[0], False)
    with pytest.raises(BlockingIOError):
        os.read(pipe[0], 1)


def test_a_message_without_a_topic_is_refused(pipe):
    """As the Go system does."""
    with pytest.raises(PayloadError, match="^topic required"):
        StreamProducer(BUS, pipe[1], "stdout").send(messages(b"a", topic=""))


def test_a_closed_reader_is_told_with_how_many_got_there(pipe):
    """`| head -1` is no crash."""
    producer = StreamProducer(BUS, pipe[1], "stdout")
    producer.send(messages(b"a", b"b"))
    os.close(pipe[0])
    with pytest.raises(
        BusClosedError, match="^stdout was closed by its reader; messages written: 2$"
    ):
        producer.send(messages(b"c"))


def test_a_full_disk_names_what_was_not_written():
    """One line, and the positions."""
    fd = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(SendError, match="^cannot write stdout: No space left") as error:
        StreamProducer(BUS, fd, "stdout").send(messages(b"a", b"b"))
    assert error.value.unsent == (0, 1)
    os.close(fd)


def test_after_half_a_line_the_next_one_starts_afresh(tmp_path):
    """A failure may spoil one line, never two; and only what is whole counts."""
    path = tmp_path / "out"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    producer = StreamProducer(BUS, fd, "stdout")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6, old[1]))
        with pytest.raises(SendError) as error:
            producer.send(messages(b"one", b"two", b"three"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.unsent == (1, 2)
    producer.send(messages(b"two", b"three"))
    os.close(fd)
    assert path.read_bytes() == b"one\ntw\ntwo\nthree\n"
    assert producer._writer_for("done").written == 3


def test_a_failure_at_the_first_byte_keeps_the_count():
    """Also on the second try."""
    fd = os.open("/dev/full", os.O_WRONLY)
    writer = LineWriter(fd, "stdout")
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            writer.write([b"a"])
    assert writer.written == 0
    os.close(fd)


def test_a_slow_reader_of_a_stream_that_does_not_block_gets_everything(pipe):
    """A full pipe is waited for, not an error."""
    os.set_blocking(pipe[1], False)
    received = []

    def read():
        while data := os.read(pipe[0], 50_000):
            received.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    StreamProducer(BUS, pipe[1], "stdout").send(messages(b"x" * 1_000_000, b"end"))
    os.close(pipe[1])
    reader.join()
    assert b"".join(received) == b"x" * 1_000_000 + b"\nend\n"


def test_sending_after_close_is_refused(pipe):
    """And closing twice is not."""
    producer = StreamProducer(BUS, pipe[1], "stdout")
    producer.close()
    producer.close()
    with pytest.raises(BusClosedError):
        producer.send(messages(b"a"))
