"""The bus of files: one task a line, a topic is a file."""

import contextlib
import os
from collections.abc import Sequence

import attrs

from task_core.api.bus import Bus, BusContext, Role
from task_core.api.capabilities import Capabilities
from task_core.api.consumer import Consumer
from task_core.api.message import Message
from task_core.api.part import Owner
from task_core.api.producer import Producer
from task_core.builtin.bus_options import FileOptions
from task_core.builtin.file_consumer import FollowingConsumer, open_to_read
from task_core.builtin.line_consumer import LineConsumer
from task_core.builtin.line_producer import LineProducer, LineWriter
from task_core.builtin.stdio_bus import STDERR
from task_core.dead import dead_topic, is_dead_topic, origin_of
from task_core.errors import BusError, PayloadError, SendError, excerpt

MAX_OPEN = 64
"""Files that a producer keeps open between sends."""
HINT = " (the topic is the path, unless file://PATH gives one)"


class FileBus(Bus):
    """Reads a file of tasks, appends to files.

    Args:
        options: See the manifest.
        context: What it is opened for.
        capabilities: Those of the manifest.
    """

    def __init__(
        self, options: FileOptions, context: BusContext, capabilities: Capabilities
    ) -> None:
        bounded = not options.follow
        super().__init__("file", attrs.evolve(capabilities, bounded=bounded))
        self._options = options
        self._context = context

    def _subscribe(self, topic: str, channel: str, **hints: object) -> Consumer:
        path = self._options.path or topic  # the options name the file, or the topic
        if path == "-":
            stdin = self._context.stdin
            return LineConsumer(self, topic, channel, stdin, "stdin", owned=False)
        if not path:
            raise BusError("path required: give file://PATH or a topic")
        try:
            fd = open_to_read(path)
        except OSError as error:
            if is_dead_topic(path) and isinstance(error, FileNotFoundError):
                raise BusError(
                    f"there is no file '{path}': no task of '{origin_of(path)}' has"
                    " become a dead letter, or the path is another"
                ) from None
            hint = "" if self._options.path else HINT
            text = f"cannot read '{path}': {error.strerror}{hint}"
            raise BusError(text) from None
        except ValueError:
            raise BusError(f"cannot read {path!r}: no name of a file") from None
        if self._options.follow:
            return FollowingConsumer(self, topic, channel, fd, path)
        return LineConsumer(self, topic, channel, fd, f"'{path}'", owned=True)

    def _producer(self) -> Producer:
        """Return a producer that appends to the file of each topic.

        A bus that only writes (`--out-bus file://PATH`) puts everything into its path,
        and dead letters beside it.
        """
        path = self._options.path if self._context.role is Role.OUT else ""
        return FileProducer(self, path, self._context.stdout)


class FileProducer(LineProducer):
    """Appends to files, which are made when missing and kept open.

    Args:
        bus: The bus that made it.
        path: Where every topic goes; when empty, the topic is the path.
        stdout: Descriptor that the path `-` stands for.
    """

    def __init__(self, bus: Owner, path: str, stdout: int) -> None:
        super().__init__(bus)
        self._path = path
        self._folder = _working_folder()
        self._streams = {
            "-": LineWriter(stdout, "stdout"),
            dead_topic("-"): LineWriter(STDERR, "stderr"),
        }
        self._files: dict[str, LineWriter] = {}

    def _writer_for(self, topic: str) -> LineWriter:
        path = self._path_of(topic)
        if path in self._streams:
            return self._streams[path]
        writer = self._files.get(path)
        place = os.path.join(self._folder, path)
        if writer is None or not _still_there(writer.fd, place):
            writer = self._open_file(path)
        return writer

    def _send(self, messages: Sequence[Message]) -> None:
        if len(messages) > MAX_OPEN:
            topics = [*dict.fromkeys(message.topic for message in messages)]
            if len(topics) > MAX_OPEN:
                self._send_by_topics(messages, topics)
                return
        if len(self._files) > MAX_OPEN:
            self._close_files()
        super()._send(messages)

    def _send_by_topics(self, messages: Sequence[Message], topics: list[str]) -> None:
        """Send to so many files at a time as may be open."""
        unsent = set(range(len(messages)))
        for start in range(0, len(topics), MAX_OPEN):
            some = {*topics[start : start + MAX_OPEN]}
            positions = [
                n for n, message in enumerate(messages) if message.topic in some
            ]
            try:
                self._send([messages[n] for n in positions])
            except PayloadError as error:  # of these none was sent
                if start:
                    raise SendError(str(error), sorted(unsent)) from None
                at = [positions[n] for n in error.refused]
                raise PayloadError(str(error), at) from None
            except SendError as error:
                left = {positions[n] for n in error.unsent}
                unsent.difference_update(n for n in positions if n not in left)
                raise SendError(str(error), sorted(unsent)) from None
            unsent.difference_update(positions)

    def _prepare(self, topics: Sequence[str]) -> None:
        """Check that topics can be written; files are made with their first message."""
        for topic in topics:
            path = self._path_of(topic)
            if path in self._streams:
                continue
            try:
                problem = _problem(self._place(path), path)
            except ValueError as error:
                problem = str(error)
            if problem:
                place = "" if path == topic else f" to {excerpt(path)}"
                text = f"topic {excerpt(topic)} cannot be written{place}: {problem}"
                raise BusError(text)

    def _close(self) -> None:
        self._close_files()

    def _close_files(self) -> None:
        while self._files:
            os.close(self._files.popitem()[1].fd)

    def _path_of(self, topic: str) -> str:
        if not self._path:
            return topic
        return dead_topic(self._path) if is_dead_topic(topic) else self._path

    def _place(self, path: str) -> str:
        """Return where a file is; `ValueError` if it may not be there."""
        if "\0" in path:
            raise ValueError("no name of a file")
        if self._path or not self._folder:  # that was given by name, or is nowhere
            return os.path.join(self._folder, path)
        return _inside(self._folder, path)

    def _open_file(self, path: str) -> LineWriter:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        place = self._place(path)
        fd = os.open(place, flags, 0o666)
        _end_last_line(fd, place)
        writer = LineWriter(fd, f"'{path}'")
        if old := self._files.pop(path, None):
            os.close(old.fd)
        self._files[path] = writer
        return writer


def _inside(folder: str, name: str) -> str:
    """Return where a file of a folder really is.

    A name may come from a task, so no link leads it out of the folder. One that says by
    itself that it leads there (`../x`) was given by somebody else.

    Raises:
        ValueError: A link does.
    """
    path = os.path.join(folder, name)
    if os.path.isabs(name) or ".." in name.split("/"):
        return path
    real, home = os.path.realpath(path), os.path.realpath(folder)
    if os.path.commonpath([real, home]) != home:
        raise ValueError(
            f"a link leads it out of the folder, to {excerpt(real)}: name that file"
        )
    return real


def _working_folder() -> str:
    """Return where relative topics are: a worker may change its folder later."""
    try:
        return os.getcwd()
    except OSError:  # it was deleted; each path that is relative will tell
        return ""


def _end_last_line(fd: int, path: str) -> None:
    """Give a torn last line its end: what is appended would be lost with it."""
    size = os.fstat(fd).st_size  # 0 for what is no regular file
    with contextlib.suppress(OSError):  # who may not read it cannot know
        with open(path, "rb") if size else contextlib.nullcontext() as file:
            torn = file is not None and os.pread(file.fileno(), 1, size - 1) != b"\n"
        if torn:
            os.write(fd, b"\n")


def _still_there(fd: int, path: str) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(fd), os.stat(path))
    return False


def _problem(path: str, name: str) -> str:
    """Say why the file of a topic cannot be written, or nothing."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        return "it is a directory"
    if os.path.exists(path):
        return "" if os.access(path, os.W_OK) else "permission denied"
    if not os.path.isdir(folder):
        return f"there is no directory '{os.path.dirname(name) or '.'}'"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "permission denied"
