"""When a task of each phase was complete last: for people, and for alerts."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from task_store import Store

from task_taskmaster_workflow.phase import Phase

SCOPE = "workflow success"
"""Where the store keeps it: a restart forgets none."""

Endings = Mapping[tuple[str, str], str]
"""Workflow and name of a phase -> when its task ended, as that says."""


class Successes:
    """Noted in the loop of done tasks, kept by that of time, shown to anybody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, float] = {}
        self._new: dict[str, tuple[float, str]] = {}

    def note(self, endings: Endings, now: float) -> None:
        """Note what has ended; with no date of its own, now."""
        with self._lock:
            for place, text in endings.items():
                key, moment = " ".join(place), _moment(text, now)
                if moment > self._known.get(key, 0.0):
                    self._known[key] = moment
                    self._new[key] = (moment, key)

    def keep(self, store: Store) -> None:
        """Write down what is new, and read what other instances have noted."""
        with self._lock:
            new = dict(self._new)
        if new or not self._known:
            store.progress.advance_all(SCOPE, new)
            found = store.progress.load(SCOPE)
            with self._lock:
                for key, moment in found.items():
                    self._known[key] = max(moment, self._known.get(key, 0.0))
                for key, kept in new.items():
                    if self._new.get(key) == kept:
                        del self._new[key]

    def of(self, phase: Phase) -> str:
        """Return when it was last, empty when nobody knows."""
        moment = self._known.get(f"{phase.workflow} {phase.name}")
        if moment is None:
            return ""
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _moment(text: str, now: float) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return now
    return min(moment.timestamp(), now) if moment.tzinfo else now
