"""Bytes -> lines -> deliveries, without a Python call for each line."""

from task_core.api.message import Delivery


class LineBuffer:
    """Holds what was read and not delivered: whole lines, and pieces of the last one.

    Lines stay exactly as read until they are taken, so that `pending` can count them.
    """

    def __init__(self) -> None:
        self.partial = 0
        """Bytes of the line that has no end yet."""
        self._pieces: list[bytes] = []
        self._lines: list[bytes] = []
        self._next = 0
        self._unended = False  # the last line came without its newline

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines:
            if self._pieces:
                lines[0] = b"".join([*self._pieces, lines[0]])
                self._pieces, self.partial = [], 0
            self._add(lines)
        if rest:
            self._pieces.append(rest)
            self.partial += len(rest)

    def finish(self) -> None:
        """Say that the input ended: so does its last line."""
        if self._pieces:
            self._add([b"".join(self._pieces)])
            self._pieces, self.partial, self._unended = [], 0, True

    def take(self, limit: int) -> list[Delivery]:
        """Return up to `limit` lines as deliveries; blank ones are skipped."""
        while self._lines:
            batch = self._lines[self._next : self._next + limit]
            self._next += len(batch)
            if self._next == len(self._lines):
                self._clear()
            if found := [
                Delivery(line.removesuffix(b"\r")) for line in batch if line.strip()
            ]:
                return found
        return []

    def take_all(self) -> list[Delivery]:
        """Return everything, the unfinished last line too."""
        self.finish()
        return self.take(len(self._lines))

    @property
    def empty(self) -> bool:
        """Whether nothing is held."""
        return not self._lines and not self._pieces

    @property
    def pending(self) -> int:
        """How many bytes of the input are held here."""
        held = sum(len(line) + 1 for line in self._lines[self._next :])
        return held + self.partial - self._unended

    def _add(self, lines: list[bytes]) -> None:
        self._lines = self._lines[self._next :] + lines if self._lines else lines
        self._next = 0

    def _clear(self) -> None:
        self._lines, self._next, self._unended = [], 0, False
