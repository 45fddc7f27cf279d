"""`--reload`: tells when the source of a worker has changed."""

import logging
import threading
import warnings
from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import Any

from task_core.errors import UsageError

DEBOUNCE = 300
"""Milliseconds in which changes count as one: editors write more than once."""

log = logging.getLogger("task")


class Sources:
    """Watches folders for Python, and some files.

    Args:
        folders: Where Python is watched, however deep.
        files: What else.

    Raises:
        UsageError: watchfiles is not installed.
    """

    def __init__(self, folders: Collection[Path], files: Collection[Path]) -> None:
        self._library = _watchfiles()
        self._files = {str(path.resolve()) for path in files if path.exists()}
        self._folders = {str(path.resolve()) for path in folders}
        self._skips = self._library.DefaultFilter()

    def watch(self, changed: Callable[[], None]) -> None:
        """Call a function, in a thread, each time when there is something new."""
        threading.Thread(
            target=self._watch, args=(changed,), name="reload", daemon=True
        ).start()
        log.info(
            "reloading when Python changes in %s", ", ".join(sorted(self._folders))
        )

    def _watch(self, changed: Callable[[], None]) -> None:
        watch = self._library.watch
        places = [*self._folders, *self._files]
        for changes in watch(*places, watch_filter=self._counts, debounce=DEBOUNCE):
            paths = sorted({path for _, path in changes})
            problems = [text for path in paths if (text := _problem(path))]
            for text in problems:
                log.error("%s: not reloaded", text)
            if not problems:
                names = ", ".join(Path(path).name for path in paths)
                log.info("%s changed: starting anew", names)
                changed()

    def _counts(self, change: Any, path: str) -> bool:
        if path in self._files:
            return True
        return path.endswith(".py") and bool(self._skips(change, path))


def _problem(path: str) -> str:
    """Return why a file is no Python; empty when it is, or is gone."""
    if not path.endswith(".py"):
        return ""
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{path}, line {error.lineno}: {error.msg}"
    except (OSError, ValueError):  # it is gone, or not all of it is there yet
        return ""
    return ""


def _watchfiles() -> Any:
    try:
        found = import_module("watchfiles")
    except ImportError as error:
        text = "--reload needs watchfiles: pip install 'task-framework[reload]'"
        raise UsageError(text) from error
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # ours names the files
    return found
