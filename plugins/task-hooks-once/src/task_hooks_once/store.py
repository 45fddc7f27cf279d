"""Where it is remembered who is at what, and what was done."""

from collections.abc import Sequence
from typing import Protocol

import attrs

from task_core.api import FrameworkError


class StoreError(FrameworkError):
    """The store cannot be used now."""


@attrs.frozen
class Record:
    """What is known of a key.

    Args:
        owner: Who wrote it: a run, or a sending.
        id: Of the task.
        done: Whether that is done; else it is in work.
    """

    owner: str
    id: str
    done: bool


class Store(Protocol):
    """Records by key, each with a time at whose end it is gone.

    Safe to share between threads. Everything raises `StoreError` alone.
    """

    def take(self, key: str, record: Record, seconds: float) -> Record | None:
        """Write a record where there is none; return the one that is there."""

    def put(self, key: str, record: Record, seconds: float) -> None:
        """Write a record, unless there is one of another owner."""

    def renew(self, keys: Sequence[str], owner: str, seconds: float) -> None:
        """Keep an owner's records for so long from now."""

    def drop(self, key: str, owner: str) -> None:
        """Forget an owner's record."""

    def close(self) -> None:
        """Close the connection."""
