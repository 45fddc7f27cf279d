"""`--reload`: tells when the source of a worker has changed."""

import contextlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Iterable
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from task_core.errors import UsageError

DEBOUNCE = 300
"""Milliseconds in which changes count as one: editors write more than once."""
COMPILES_ONLY = {"PYTHONDONTWRITEBYTECODE": "1"}
"""The environment of those that start anew: by what Python keeps of a source, two saves
of one length within a second are the same."""

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
        _forget(path for path in _imported() if self._is_in_here(path))
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
                _forget(path for path in paths if path.endswith(".py"))
                names = ", ".join(Path(path).name for path in paths)
                log.info("%s changed: starting anew", names)
                changed()

    def _counts(self, change: Any, path: str) -> bool:
        if path in self._files:
            return True
        return path.endswith(".py") and bool(self._skips(change, path))

    def _is_in_here(self, path: str) -> bool:
        inside = any(Path(path).is_relative_to(folder) for folder in self._folders)
        return inside and self._counts(None, path)  # no libraries of a .venv


def _imported() -> list[str]:
    """Return the sources of all that this process has imported."""
    found = [getattr(one, "__file__", None) for one in [*sys.modules.values()]]
    return [path for path in found if isinstance(path, str) and path.endswith(".py")]


def _forget(paths: Iterable[str]) -> None:
    """Remove what Python keeps of sources: it may be that of the ones before."""
    for path in paths:
        with contextlib.suppress(OSError, NotImplementedError):  # none is kept
            os.unlink(cache_from_source(path))


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
