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
_TEXT = re.compile(r"t1w? \d+( \d+(\+\d+)?(x\d+)?(r\d+)?)*")
_RUN = re.compile(r"(\d+)(?:\+(\d+))?(?:x(\d+))?(?:r(\d+))?")


@attrs.frozen
class Run:
    """Open messages side by side that were handed out equally often.

    Args:
        first, last: Their offsets.
        receipts: How often each was handed out.
        returned: How often each was given back.
    """

    first: int
    last: int
    receipts: int
    returned: int = 0


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

    def run_of(self, offset: int) -> Run | None:
        """Return what is known of an open message; None if it is done."""
        if offset >= self.end:
            return Run(offset, offset, 0)
        place = bisect_right(self.runs, offset, key=lambda run: run.first)
        if not place or self.runs[place - 1].last < offset:
            return None
        return self.runs[place - 1]

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
    length, receipts, returned = run.last - run.first, run.receipts, run.returned
    return (
        f"{run.first - before}"
        f"{f'+{length}' if length else ''}"
        f"{f'x{receipts}' if receipts != 1 else ''}"
        f"{f'r{returned}' if returned else ''}"
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
        gap, more, receipts, returned = match.groups()
        first = before + int(gap)
        last = first + int(more or 0)
        count = 1 if receipts is None else int(receipts)
        runs.append(Run(first, last, count, int(returned or 0)))
        before = last + 1
    return Progress(offset, offset + int(length), tuple(runs), head == _AT_WORK)


def runs_of(messages: Iterable[Run]) -> tuple[Run, ...]:
    """Join neighbours.

    Args:
        messages: One by one, in the order of their offsets.
    """
    runs: list[Run] = []
    for one in messages:
        last = runs[-1] if runs else None
        if (
            last is not None
            and last.last == one.first - 1
            and (last.receipts, last.returned) == (one.receipts, one.returned)
        ):
            runs[-1] = Run(last.first, one.last, one.receipts, one.returned)
        else:
            runs.append(one)
    return tuple(runs)
