"""The protocol of NATS: bytes -> frames, and what we write."""

from collections import deque
from typing import NamedTuple


class Frame(NamedTuple):
    """A message as it came.

    Args:
        subject: What it was sent to; for answers, where they were asked for.
        sid: Of the subscription that it came for.
        reply: Where an answer is wanted; that of a message settles it.
        head: Headers, as they came; empty without.
        body: The bytes.
    """

    subject: bytes
    sid: bytes
    reply: bytes
    head: bytes
    body: bytes


MSG, HMSG = ord("M"), ord("H")
END = b"\r\n"


class Parser:
    """Cuts what comes into frames, and into lines that are about the connection.

    Args:
        frames: Where frames go.
        lines: Where lines go: `PING`, `PONG`, `-ERR …`, `INFO …`.
    """

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque()
        self.lines: list[bytes] = []
        self._rest = b""
        self._wanted = 0

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            ValueError: It is not NATS.
        """
        buffer = self._rest + data if self._rest else data
        if len(buffer) < self._wanted:
            self._rest = buffer
            return
        at, self._wanted = 0, 0
        while (end := buffer.find(END, at)) >= 0:
            kind, begin = buffer[at], end + 2
            if kind == MSG:
                words = buffer[at + 4 : end].split()
                stop = begin + int(words[-1])
                if len(buffer) < stop + 2:
                    self._wanted = stop + 2 - at
                    break
                reply = words[2] if len(words) == 4 else b""
                body = buffer[begin:stop]
                self.frames.append(Frame(words[0], words[1], reply, b"", body))
                at = stop + 2
            elif kind == HMSG:
                words = buffer[at + 5 : end].split()
                split, stop = begin + int(words[-2]), begin + int(words[-1])
                if len(buffer) < stop + 2:
                    self._wanted = stop + 2 - at
                    break
                reply = words[2] if len(words) == 5 else b""
                head, body = buffer[begin:split], buffer[split:stop]
                self.frames.append(Frame(words[0], words[1], reply, head, body))
                at = stop + 2
            else:
                self.lines.append(buffer[at:end])
                at = begin
        self._rest = buffer[at:]


def status_of(head: bytes) -> int:
    """Return the status of an answer that has nothing else; 0 if it is none.

    Example:
        >>> status_of(b"NATS/1.0 404 No Messages"), status_of(b"NATS/1.0")
        (404, 0)
    """
    word = head[9:12]
    return int(word) if word.isdigit() else 0


def header_of(head: bytes, name: bytes) -> bytes | None:
    """Return the value of a header, or nothing."""
    at = head.find(b"\r\n" + name + b":")
    if at < 0:
        return None
    begin = at + len(name) + 3
    return head[begin : head.index(END, begin)].strip()


def pub(subject: str, reply: str, body: bytes) -> bytes:
    """Return a message without headers."""
    begin = f"PUB {subject} {reply} {len(body)}\r\n".encode()
    return b"%b%b\r\n" % (begin, body)


def hpub(subject: str, reply: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return a message with headers."""
    head = head_of(headers)
    begin = f"HPUB {subject} {reply} {len(head)} {len(head) + len(body)}\r\n"
    return b"%b%b%b\r\n" % (begin.encode(), head, body)


def head_of(headers: dict[str, str]) -> bytes:
    """Return headers as they are written."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"NATS/1.0\r\n{lines}\r\n".encode()
