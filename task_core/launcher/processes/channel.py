"""A child's end of the pair of sockets, and what it says through it beside outcomes."""

import contextlib
import io
import logging
import os
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Any

from task_core.launcher.at_work import Handler, take_logs
from task_core.launcher.processes.frames import Log, Print, Struct, frame

CARRIED = ("name", "levelno", "levelname", "pathname", "lineno", "funcName", "created")
"""What a log record keeps on its way to the parent, beside its text."""
ESCAPED = "backslashreplace"
CUT_OFF = b"task: process %d ends: its launcher cannot be reached (%s)\n"


class Channel:
    """Sends messages to the parent, from any thread, whole ones.

    Args:
        ours: The socket.
    """

    def __init__(self, ours: socket.socket) -> None:
        self.socket = ours
        self.sending = 0
        """How deep the main thread is in `send`: then nothing may interrupt it."""
        self._main = threading.main_thread()
        self._lock = threading.RLock()

    def send(self, *messages: Struct) -> None:
        """Send messages."""
        self.send_frame(frame(messages))

    def send_frame(self, data: bytes) -> None:
        """Send messages that are framed.

        Who is heard no more ends: the parent has gone, or a worker has closed what is
        not its own, and nobody would ever know what became of its tasks.
        """
        inside = threading.current_thread() is self._main
        self.sending += inside
        try:
            with self._lock:
                self.socket.sendall(data)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.write(2, CUT_OFF % (os.getpid(), str(error).encode()))
            os._exit(1)
        finally:
            self.sending -= inside


class Printed(io.RawIOBase):
    """What `print` writes to in a child.

    Args:
        channel: Takes it to the parent.
        stream: 1 or 2, as descriptors are numbered.
    """

    def __init__(self, channel: Channel, stream: int) -> None:
        self._channel = channel
        self._stream = stream

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor that C code and programs write to."""
        return self._stream

    def write(self, data: Any) -> int:
        """Send what was printed."""
        text = bytes(data).decode(errors=ESCAPED)
        self._channel.send(Print(self._stream, text))
        return len(data)


class Logged(Handler):
    """Sends log lines to the parent, whose handlers write them.

    Args:
        channel: Takes them there.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line, its text made: its arguments may be anything."""
        fields = {name: getattr(record, name) for name in CARRIED}
        try:
            fields["msg"] = _escaped(record.getMessage())
            if record.exc_info:
                trace = self._formatter.formatException(record.exc_info)
                fields["exc_text"] = _escaped(trace)
            if record.stack_info:
                fields["stack_info"] = _escaped(record.stack_info)
            fields["at_work"] = getattr(record, "at_work", None)
            fields["process"], fields["threadName"] = os.getpid(), record.threadName
            self._channel.send(Log(fields))
        except Exception:  # noqa: BLE001  as all handlers do it
            self.handleError(record)


def _escaped(text: str) -> str:
    """Return a text that any encoding takes, as `print` writes it."""
    return text.encode(errors=ESCAPED).decode()


def divert(channel: Channel) -> None:
    """Send what is printed to the parent."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        buffer = io.BufferedWriter(Printed(channel, number))
        text = io.TextIOWrapper(
            buffer, encoding="utf-8", errors=ESCAPED, line_buffering=True
        )
        setattr(sys, name, text)


def divert_logs(channel: Channel, levels: Mapping[str, int]) -> None:
    """Send what is logged to the parent, and to nobody else: it has all handlers.

    Args:
        channel: Takes it there.
        levels: Of loggers, by name.
    """
    root = logging.getLogger()
    for other in [*root.handlers]:
        root.removeHandler(other)
    take_logs(Logged(channel))
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def speak_for_itself() -> None:
    """Let a process that a worker forked write to stderr itself."""
    for name in ("stdout", "stderr"):
        stream = os.fdopen(2, "w", encoding="utf-8", errors=ESCAPED, closefd=False)
        setattr(sys, name, stream)
    logging.basicConfig(force=True)
