"""Firings of one instance: sent, and then written down in the state file."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from task_core.api import (
    DecodeError,
    OptionError,
    PayloadError,
    Task,
    TaskmasterContext,
)
from task_taskmaster_cron.agenda import Agenda, Entry
from task_taskmaster_cron.state import StateFile

SAVE_EVERY = 1.0
"""Seconds between two writes of the state while many firings are made up for."""


class FileLedger:
    """Writes a firing down after the bus has confirmed its task.

    A crash in between sends it again, and never loses it.

    Args:
        state: Where it is written down.
    """

    def __init__(self, state: StateFile) -> None:
        self.state = state
        state.load()  # what is wrong with it is told before anything begins
        self._agenda: Agenda | None = None
        self._saved_at = 0.0
        self._unsaved = False

    @contextlib.contextmanager
    def opened(self, ctx: TaskmasterContext) -> Iterator[None]:
        """`with` it, nobody else uses the file.

        Raises:
            OptionError: Another one uses it, or no lock can be made beside it.
        """
        self._ctx = ctx
        with self.state.locked():
            try:
                yield
            finally:
                self._save()

    def begin(self, agenda: Agenda) -> None:
        """Write the file, and say so if that is impossible."""
        self._agenda = agenda
        try:
            self._write(agenda)
        except OSError as error:
            text = f"cannot write {self.state}: {error.strerror}: choose another place"
            raise OptionError([text]) from None

    def load(self) -> Mapping[str, datetime]:
        """Return what the file says."""
        return self.state.load()

    def behind(self, agenda: Agenda) -> bool:
        """There are no others."""
        return False

    def restarted(self, entries: Sequence[tuple[Entry, datetime]]) -> None:
        """Write it with the next one."""
        self._unsaved = True

    def passed(self, entry: Entry) -> None:
        """Write it with the next one."""
        self._unsaved = True

    def fire(self, agenda: Agenda, entry: Entry, firing: datetime, task: Task) -> None:
        """Send the task, and write it down, at most once a second.

        What the bus refuses for good is told, and done with: it would be refused at
        each start, and no other rule have a turn.
        """
        try:
            self._ctx.send(task, entry.rule.topic)
        except (PayloadError, DecodeError) as error:
            text = "%s: its task of %s cannot be sent, and is left out: %s"
            self._ctx.log.error(text, entry.rule, firing, error)  # noqa: TRY400  no bug
        else:
            self._ctx.log.info("%s fired: %s", entry.rule, task.info)
        agenda.done(firing)
        self._unsaved = True
        if self._ctx.clock.monotonic() - self._saved_at >= SAVE_EVERY:
            self._save()

    def rest(self, agenda: Agenda, seconds: float) -> float:
        """Write down what is not yet written."""
        self._save()
        return seconds

    def _save(self) -> None:
        """Write the state; when that fails, say so and try again after the next one."""
        if not self._unsaved or self._agenda is None:
            return
        try:
            self._write(self._agenda)
        except OSError as error:
            text = "cannot write %s: %s: a restart would fire again"
            self._ctx.log.error(text, self.state, error.strerror)  # noqa: TRY400

    def _write(self, agenda: Agenda) -> None:
        self._saved_at = self._ctx.clock.monotonic()
        self.state.save(agenda.progress)
        self._unsaved = False
