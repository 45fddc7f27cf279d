"""The keys of an answer: those that are left out are told once each."""

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from task_core.api import Task, WorkerContext

ANSWER = ("result", "msg", "meta", "send", "delay", "error")
"""What is read of an answer."""
LISTED = ", ".join(ANSWER)
TASK = msgspec.structs.fields(Task)
KNOWN = frozenset([*ANSWER, *(field.encode_name for field in TASK)])
"""A done task is an answer, too."""
MOST_TOLD = 100
"""Keys that are told, of a program that makes up new ones."""


class Keys:
    """Warns of keys that are left out: a mistyped `send` would lose tasks silently."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def check(self, keys: Iterable[str], ctx: WorkerContext) -> None:
        """Tell, once for each, which keys nobody reads."""
        for key in keys:
            if key in KNOWN or key in self._told or len(self._told) >= MOST_TOLD:
                continue
            self._told.add(key)
            near = get_close_matches(key.lower(), ANSWER, 1)
            hint = (
                f"did you mean '{near[0]}'" if near else f"it has {', '.join(ANSWER)}"
            )
            ctx.log.warning(
                "an answer has no key %.80r (%s): it is left out", key, hint
            )

    def tell(self, key: str, what: str, ctx: WorkerContext) -> None:
        """Tell, once for each key, that what it holds is left out."""
        if (known := f"{key}=") not in self._told:
            self._told.add(known)
            ctx.log.warning("the %r of an answer is %s: it is left out", key, what)
