"""Rules of `task_core.builtin.file_consumer`: following a file."""

import os
import threading
import time

import pytest

from task_core.api.bus import BusContext
from task_core.builtin import buses
from task_core.builtin.bus_options import FileOptions


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tasks"
    path.write_bytes(b"a\n")
    return path


@pytest.fixture
def consumer(path):
    options = FileOptions(path=str(path), follow=True)
    bus = buses.file.open(options, BusContext())
    yield bus.subscribe("load", "load")
    bus.close()


def next_lines(consumer, timeout=5):
    return [delivery.body for delivery in consumer.receive(10, timeout)]


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def test_lines_that_are_added_arrive_promptly(path, consumer):
    """Within about a twentieth of a second, also when written in pieces."""
    assert next_lines(consumer) == [b"a"]
    begin = time.monotonic()
    threading.Timer(0.1, append, [path, b"hal"]).start()
    threading.Timer(0.2, append, [path, b"f\n"]).start()
    assert next_lines(consumer) == [b"half"]
    assert 0.2 <= time.monotonic() - begin < 5


def test_the_end_of_the_file_is_not_the_end_of_the_stream(consumer):
    """It is never exhausted, and waits no longer than told."""
    assert next_lines(consumer) == [b"a"]
    for timeout in (0, 0.12):
        begin = time.monotonic()
        assert next_lines(consumer, timeout) == []
        assert timeout <= time.monotonic() - begin < timeout + 5
    assert not consumer.exhausted


def test_wake_ends_the_wait_at_the_end_of_the_file(consumer):
    """A stop need not wait for the next task."""
    next_lines(consumer)
    threading.Timer(0.02, consumer.wake).start()
    assert next_lines(consumer, 10) == []


def test_a_rotated_file_is_read_to_its_end_and_then_the_new_one(path, consumer):
    """Nothing between the two is lost; the cut ends an unfinished line."""
    assert next_lines(consumer) == [b"a"]
    append(path, b"b\nunended")
    os.rename(path, path.with_name("tasks.1"))
    assert next_lines(consumer) == [b"b"]
    assert next_lines(consumer, 0.2) == []
    path.write_bytes(b"c\n")
    assert next_lines(consumer) + next_lines(consumer) == [b"unended", b"c"]


def test_a_truncated_file_is_read_from_its_start(path, consumer):
    """As after `: > tasks`."""
    append(path, b"bbbbbbbbb\n")
    assert next_lines(consumer) == [b"a", b"bbbbbbbbb"]
    path.write_bytes(b"c\n")
    assert next_lines(consumer) == [b"c"]


def test_the_lines_of_a_file_that_is_cut_count_anew(path, consumer):
    """The first line is number 1 again."""
    append(path, b"b\n")
    assert [one.position for one in consumer.receive(10, 5)] == [1, 2]
    path.write_bytes(b"c\n")
    assert [one.position for one in consumer.receive(10, 5)] == [1]
