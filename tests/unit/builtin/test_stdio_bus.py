"""Rules of `task_core.builtin.stdio_bus`, in real processes."""

import subprocess
import sys

import pytest

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.api.plugin import NoOptions
from task_core.builtin import streams
from task_core.errors import BusError, UnsupportedCapabilityError

COPY = """
from task_core.api import BusContext, Message, NoOptions
from task_core.builtin.streams import stdio
bus = stdio.open(NoOptions(), BusContext())
consumer, producer = bus.subscribe("in", "in"), bus.producer()
while not consumer.exhausted:
    for delivery in consumer.receive(10, 10):
        topic = "in.dead" if delivery.body == b"bad" else "done"
        producer.send([Message(topic, delivery.body)])
bus.close()
"""


def run(code, data):
    return subprocess.run(
        [sys.executable, "-c", code], input=data, capture_output=True, check=True
    )


def test_data_goes_to_stdout_and_dead_letters_to_stderr():
    """So a pipe never carries a dead letter to the next program."""
    done = run(COPY, b"a\nbad\n\xff\n")
    assert done.stdout == b"a\n\xff\n"
    assert done.stderr == b"bad\n"


def test_the_data_stream_is_the_one_that_the_context_names(tmp_path):
    """Descriptor 1 belongs to whoever prints."""
    with (tmp_path / "out").open("wb") as file:
        bus = streams.stdio.open(NoOptions(), BusContext(stdout=file.fileno()))
        producer = bus.producer()
        producer.prepare(["done"])
        producer.send([Message("done", b"a")])
        bus.close()
    assert (tmp_path / "out").read_bytes() == b"a\n"


def test_a_closed_stdout_is_told_at_the_start():
    """Before any task is taken."""
    bus = streams.stdout.open(NoOptions(), BusContext(stdout=9999))
    with pytest.raises(BusError, match="^stdout is closed$"):
        bus.producer().prepare(["done"])


def test_a_stream_of_one_direction_refuses_the_other():
    """And says which flag to use."""
    with pytest.raises(BusError, match="cannot be read: give --in-bus"):
        streams.stdout.open(NoOptions(), BusContext()).subscribe("a", "a")
    with pytest.raises(BusError, match="cannot be written: give --out-bus"):
        streams.stdin.open(NoOptions(), BusContext()).producer()


def test_stderr_takes_data_and_dead_letters():
    """The bus `stderr` has but one stream."""
    code = COPY.replace("bus.producer()", "stderr.open(NoOptions(), None).producer()")
    code = code.replace("import stdio", "import stderr, stdio")
    done = run(code, b"a\nbad\n")
    assert (done.stdout, done.stderr) == (b"", b"a\nbad\n")


def test_null_swallows_and_is_at_its_end():
    """It delivers nothing and keeps nothing; what it cannot do it still refuses."""
    bus = streams.null.open(NoOptions(), BusContext())
    consumer, producer = bus.subscribe("a", "a"), bus.producer()
    assert consumer.exhausted
    assert consumer.receive(1, 10) == ()
    producer.send([Message("done", b"a")])
    with pytest.raises(UnsupportedCapabilityError):
        producer.send([Message("done", b"a", delay=1)])
