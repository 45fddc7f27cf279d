"""Where firings are sent, and written down: in a file of one, or a store of many."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from task_core.api import Task, TaskmasterContext
from task_taskmaster_cron.agenda import Agenda, Entry


class Ledger(Protocol):
    """Sends firings, and knows how far each rule is done, over restarts."""

    def opened(self, ctx: TaskmasterContext) -> AbstractContextManager[None]:
        """`with` it, it is at our service; refuses whom it would do harm."""

    def begin(self, agenda: Agenda) -> None:
        """Write how far the rules are done: some of them are new.

        Raises:
            OptionError: It cannot be written.
        """

    def load(self) -> Mapping[str, datetime]:
        """Return how far each rule is done, by its key."""

    def behind(self, agenda: Agenda) -> bool:
        """A firing is late: see how far others are; return whether we looked."""

    def restarted(self, entries: Sequence[tuple[Entry, datetime]]) -> None:
        """Note which rules go on from now, and up to when they were done."""

    def passed(self, entry: Entry) -> None:
        """Note that firings of a rule are left out."""

    def fire(self, agenda: Agenda, entry: Entry, firing: datetime, task: Task) -> None:
        """Send the task of a firing before the next rest, unless another instance does.

        Raises:
            BusError: It cannot be sent.
        """

    def rest(self, agenda: Agenda, seconds: float) -> float:
        """Do what is to be done before a wait; return how long that may be."""
