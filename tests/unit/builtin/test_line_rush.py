"""Who wants many lines gets many at once, and a pipe keeps what nobody asked for."""

import os

from task_core.builtin.stdio_bus import StdioBus
from task_core.builtin.streams import LINES


def test_a_rush_is_served_from_a_pipe_without_reading_ahead():
    """Each line could be taken by the next program."""
    source, sink = os.pipe()
    line = b'{"type":"a","info":"0123456789012345678901234567890123456789"}\n'
    os.write(sink, line * 400)
    os.close(sink)
    bus = StdioBus("stdio", LINES, stdin=source, out=None)
    consumer = bus.subscribe("a", "a")
    count = len(consumer.receive(200, 5))
    assert 150 <= count <= 200
    rest = os.read(source, 1 << 20)
    held = consumer.drain()
    bus.close()
    os.close(source)
    assert len(held) <= 1
    assert len(rest) > (400 - 201) * len(line)


def test_a_regular_file_is_set_back_to_what_was_not_taken(tmp_path):
    """So it may be read in large pieces."""
    path = tmp_path / "tasks"
    path.write_bytes(b'{"type":"a","info":""}\r\n' * 1000)
    with path.open("rb", buffering=0) as file:
        bus = StdioBus("stdio", LINES, stdin=file.fileno(), out=None)
        taken = bus.subscribe("a", "a").receive(100, 5)
        bus.close()
        assert [one.body for one in taken] == [b'{"type":"a","info":""}'] * 100
        assert len(file.read().splitlines()) == 900
