"""Events of the file system: hints that a listing would find something."""

import logging
import os
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from task_core.api import TaskmasterContext
from task_taskmaster_files.watch import Watch

AGAIN = 5.0
"""Seconds until folders are looked for that were not there."""


class Watcher:
    """A thread that wakes rules when something changes below their folders.

    Args:
        ctx: Is woken.
        watches: Rules of this machine's file system.
    """

    def __init__(self, ctx: TaskmasterContext, watches: Sequence[Watch]) -> None:
        self._ctx = ctx
        self._watches = watches
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="files watcher", daemon=True
        )

    def __enter__(self) -> Self:
        if self._watches:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._watches:
            self._thread.join()

    def _run(self) -> None:
        """Watch what is there, until something else is."""
        while not self._stop.is_set():
            folders = self._folders()
            if not folders:
                self._stop.wait(AGAIN)
                continue
            try:
                self._follow(folders)
            except Exception as error:  # noqa: BLE001  a hint less is no error
                text = "no events of the file system (%s): files are found by listing"
                self._ctx.log.warning(text, error)
                return

    def _follow(self, folders: frozenset[str]) -> None:
        from watchfiles import watch  # few rules need it at their start

        logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells each event
        deep = any(self._is_deep(it) for it in self._watches)
        for changes in watch(
            *sorted(folders),
            watch_filter=None,
            debounce=200,
            step=20,
            stop_event=self._stop,
            rust_timeout=int(1000 * AGAIN),
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=deep,
            ignore_permission_denied=True,
        ):
            self._wake(path for _, path in changes)
            if self._folders() != folders:
                return

    def _wake(self, paths: Iterable[str]) -> None:
        folders = {os.path.dirname(path) for path in paths}
        for watch in self._watches:
            base = watch.rule.pattern.base
            if any(f"{it}/".startswith(f"{base.rstrip('/')}/") for it in folders):
                watch.wake()
                self._ctx.wake()

    def _folders(self) -> frozenset[str]:
        """Return the folders of the rules that are there."""
        bases = {watch.rule.pattern.base for watch in self._watches}
        return frozenset(base for base in bases if os.path.isdir(base))

    def _is_deep(self, watch: Watch) -> bool:
        rest = watch.rule.pattern.text.removeprefix(watch.rule.pattern.base)
        return "/" in rest.strip("/")
