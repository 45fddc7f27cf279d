"""How far a partition is done: an offset, and what is open behind it.

Kafka keeps one offset for each group and partition, and a short text beside it. Tasks
end out of order, so the offset is that of the first open message, and the text tells
which of the later ones are open and how often each was handed out. Whoever takes over
the partition skips what is done, and knows what may have killed its predecessor: who
leaves in peace writes progress down for the last time without the `w` for "at work".
"""

import re
from bisect import bisect_right
from collections.abc import Iterable

import attrs

LIMIT = 4_000
"""Longest text; brokers allow 4,096 bytes (`offset.metadata.max.bytes`)."""
_LEFT, _AT_WORK = "t1", "t1w"
_TEXT = re.compile(r"t1w? \d+( \d+(\+\d+)?(x\d+)?)*")
_RUN = re.compile(r"(\d+)(?:\+(\d+))?(?:x(\d+))?")


@attrs.frozen
class Run:
    """Open messages side by side that were handed out equally often.

    Args:
        first, last: Their offsets.
        receipts: How often each was handed out.
    """

    first: int
    last: int
    receipts: int


@attrs.frozen
class Progress:
    """How far a partition is done.

    Args:
        offset: All before it is done.
        end: Nothing from here on was ever handed out.
        runs: What is open from `offset` up to `end`, in order.
        at_work: Whether who wrote this went on working, and may have died since.
    """

    offset: int
    end: int
    runs: tuple[Run, ...] = ()
    at_work: bool = False

    def receipts(self, offset: int) -> int | None:
        """Return how often a message was handed out; None if it is done."""
        if offset >= self.end:
            return 0
        place = bisect_right(self.runs, offset, key=lambda run: run.first)
        if not place or self.runs[place - 1].last < offset:
            return None
        return self.runs[place - 1].receipts

    @property
    def done_beyond(self) -> int:
        """How many messages after `offset` are done."""
        open_ = sum(run.last - run.first + 1 for run in self.runs)
        return self.end - self.offset - open_

    @property
    def text(self) -> str:
        """What to keep beside the offset; empty when all is said by the offset.

        What does not fit is left out, with all that comes after it: that may be done
        twice, and is never lost.
        """
        if not self.runs and not self.at_work:
            return ""
        words, size, before, end = [], 16, self.offset, self.end
        for run in self.runs:
            word = _word(run, before)
            size += len(word) + 1
            if size > LIMIT:
                end = run.first
                break
            words.append(word)
            before = run.last + 1
        head = f"{_AT_WORK if self.at_work else _LEFT} {end - self.offset}"
        return " ".join((head, *words))


def _word(run: Run, before: int) -> str:
    length, receipts = run.last - run.first, run.receipts
    return (
        f"{run.first - before}"
        f"{f'+{length}' if length else ''}"
        f"{f'x{receipts}' if receipts != 1 else ''}"
    )


def read_progress(offset: int, text: str) -> Progress:
    """Return what was kept; a text of somebody else says nothing.

    Example:
        >>> progress = Progress(10, 20, (Run(10, 10, 2), Run(15, 17, 1)))
        >>> read_progress(10, progress.text).end
        20
    """
    if not _TEXT.fullmatch(text or ""):
        return Progress(offset, offset)
    head, length, *words = text.split(" ")
    runs, before = [], offset
    for word in words:
        match = _RUN.fullmatch(word)
        assert match is not None
        gap, more, receipts = match.groups()
        first = before + int(gap)
        last = first + int(more or 0)
        runs.append(Run(first, last, 1 if receipts is None else int(receipts)))
        before = last + 1
    return Progress(offset, offset + int(length), tuple(runs), head == _AT_WORK)


def runs_of(receipts: Iterable[tuple[int, int]]) -> tuple[Run, ...]:
    """Join neighbours.

    Args:
        receipts: Offsets, ascending, and how often each was handed out.
    """
    runs: list[Run] = []
    for offset, count in receipts:
        if runs and runs[-1].last == offset - 1 and runs[-1].receipts == count:
            runs[-1] = Run(runs[-1].first, offset, count)
        else:
            runs.append(Run(offset, offset, count))
    return tuple(runs)
