"""Workers that tell when the first and the last of their tasks was done.

Each process of a launch keeps count and both times in a file of its own, so that pools
of processes and several launchers can be measured as well as threads.
"""

import mmap
import os
import struct
import threading
import time
from pathlib import Path

from task_core.api import worker

RECORD = struct.Struct("qdd")
_files: dict[int, mmap.mmap] = {}
_lock = threading.Lock()


def _note() -> None:
    """Count a task; slots that are threads do so one after the other."""
    with _lock:
        _count()


def _count() -> None:
    pid = os.getpid()
    if pid not in _files:
        path = Path(os.environ["STOPWATCH"], str(pid))
        path.write_bytes(bytes(RECORD.size))
        with path.open("r+b") as file:
            _files[pid] = mmap.mmap(file.fileno(), RECORD.size)
    now = time.perf_counter()
    count, first, _ = RECORD.unpack_from(_files[pid])
    RECORD.pack_into(_files[pid], 0, count + 1, first or now, now)


@worker
def plain(info: str) -> None:
    """Count."""
    _note()


@worker
async def coroutine(info: str) -> None:
    """Count, as an `async def`."""
    _note()


def rate(folder: Path, expected: int) -> float:
    """Return how many tasks a second all processes did together."""
    records = [RECORD.unpack(path.read_bytes()) for path in folder.iterdir()]
    counts, firsts, lasts = zip(*records, strict=True)
    assert sum(counts) == expected, f"{sum(counts)} of {expected} tasks are done"
    taken: float = max(lasts) - min(firsts)
    return expected / taken
