"""Ways around the core's own buses, for the conformance kit."""

import os
import tempfile
from pathlib import Path

import attrs
from task_testing import Backdoor, not_offered

from task_core.api.message import Message
from task_core.builtin.memory_bus import _STORAGES, Storage


class MemoryBackdoor(Backdoor):
    """Reaches into the storage that a memory bus shares.

    Args:
        name: Of the storage.
    """

    broker = "in the process"
    shared = False

    def __init__(self, name):
        self.storage = _STORAGES.setdefault(name, Storage())

    def put(self, topic, bodies):
        with self.storage.changed:
            self.storage.put([Message(topic, body) for body in bodies])

    def take(self, topic):
        with self.storage.changed:
            found = self.storage.topics.get(topic)
            return found.waiting() if found else []

    def in_flight(self, topic, channel):
        with self.storage.changed:
            return len(self.storage.topics[topic].channels[channel]._leases)


class LinesBackdoor(Backdoor):
    """What all buses of lines have in common: a line is a message."""

    def lines(self, bodies):
        if any(b"\n" in body or not body.strip() for body in bodies):
            not_offered("lines that are empty or hold a newline")
        return b"".join(body + b"\n" for body in bodies)


class FileBackdoor(LinesBackdoor):
    """Reads and appends to files in a folder.

    Args:
        folder: Where the topics are.
    """

    broker = "files"

    def __init__(self, folder):
        self.folder = folder

    def topic(self):
        return str(self.folder / super().topic())

    def bad_topic(self):
        return str(self.folder / "no\0name")

    def put(self, topic, bodies):
        with Path(topic).open("ab") as file:
            file.write(self.lines(bodies))

    def take(self, topic):
        path = Path(topic)
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


class PipeBackdoor(LinesBackdoor):
    """Holds the far ends of stdin and stdout; close it at the end."""

    broker = "a pipe and a file"
    shared = False

    def __init__(self):
        self._stdin, self._to_stdin = os.pipe()
        self._out = tempfile.TemporaryFile()  # noqa: SIM115  as long as this lives
        self.stdout = self._out.fileno()
        self._saved = os.dup(0)
        os.dup2(self._stdin, 0)

    def topic(self):
        return "stream"

    def put(self, topic, bodies):
        data = self.lines(bodies)
        if len(data) > 60_000:
            not_offered("more than a pipe holds")
        os.write(self._to_stdin, data)

    def take(self, topic):
        size = os.fstat(self.stdout).st_size
        return os.pread(self.stdout, size, 0).split(b"\n")[:-1]

    def end(self, topic):
        os.close(self._to_stdin)
        self._to_stdin = None

    def close(self):
        if self._to_stdin is not None:
            self.end("stream")
        os.dup2(self._saved, 0)
        self._out.close()
        for descriptor in (self._stdin, self._saved):
            os.close(descriptor)


class NopBackdoor(Backdoor):
    """Looks at what a nop bus remembers; nobody can put anything there."""

    broker = "nobody"
    shared = False

    def __init__(self, plugin):
        self.buses = []

        def remember(options, context):
            self.buses.append(plugin.open(options, context))
            return self.buses[-1]

        self.plugin = attrs.evolve(plugin, open=remember)

    def put(self, topic, bodies):
        not_offered("messages of others")

    def take(self, topic):
        return [body for bus in self.buses for body in bus.sent.get(topic, ())]
