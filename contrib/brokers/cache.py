"""Where things that brokers need are kept between runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """Return `TASK_BROKER_CACHE`, or a folder of this project in the user's cache."""
    named = os.environ.get("TASK_BROKER_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else home / "task-framework"


@contextmanager
def locked(name: str) -> Iterator[Path]:
    """Be the only one that fills a folder of the cache; others wait for it."""
    folder = cache_folder() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
