"""What a program has written: whole lines, and the begin of the next one."""

LONGEST = 16 * 1024 * 1024
"""Bytes that one line may have: a program that never ends it fills no memory."""


class Output:
    """Holds what was read and not taken. Blank lines are skipped.

    Args:
        too_long: Whether a line is longer than any may be.
    """

    def __init__(self) -> None:
        self.too_long = False
        self._lines: list[bytes] = []
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Add what was read; nothing of a line that is too long, and none after it."""
        if self.too_long:
            return
        *lines, rest = data.split(b"\n")
        if lines:
            self._check(len(lines[0]))
            if self.too_long:
                return
            lines[0] = b"".join([*self._pieces, lines[0]])
            self._lines += [line for line in lines if line.strip()]
            self._pieces, self._size = [], 0
        if rest:
            self._pieces.append(rest)
            self._check(len(rest))

    def finish(self) -> None:
        """Say that there is no more: a last line without its newline counts."""
        if self._size:
            self.feed(b"\n")

    def take(self) -> bytes | None:
        """Return the first line without its end, or None."""
        return self._lines.pop(0).rstrip(b"\r") if self._lines else None

    def take_last(self) -> bytes | None:
        """Return the last line, and forget those before it."""
        del self._lines[:-1]
        return self.take()

    @property
    def empty(self) -> bool:
        """Whether nothing is held, not even a part of a line."""
        return not self._lines and not self._size

    def _check(self, more: int) -> None:
        self._size += more
        if self._size > LONGEST:
            self.too_long = True
            self._pieces = []
