"""The store that taskmasters share: nothing is lost, and nothing is sent twice.

Its parts are loaded when they are asked for: who has no store does not wait for them.
"""

from typing import TYPE_CHECKING, Any

from task_store.claim import Claim, Held, key_of
from task_store.errors import InUseError, StoreAwayError, StoreError

if TYPE_CHECKING:
    from task_store.outbox import Outbox
    from task_store.patience import Patience
    from task_store.store import Store, open_store

__all__ = [
    "Claim",
    "Held",
    "InUseError",
    "Outbox",
    "Patience",
    "Store",
    "StoreAwayError",
    "StoreError",
    "key_of",
    "open_store",
]


def __getattr__(name: str) -> Any:
    # SQLAlchemy takes half a second to load.
    if name in ("Store", "open_store"):
        from task_store import store

        return getattr(store, name)
    if name == "Outbox":
        from task_store.outbox import Outbox

        return Outbox
    if name == "Patience":
        from task_store.patience import Patience

        return Patience
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
