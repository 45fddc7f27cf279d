"""What the hooks once can be told: `[hooks.once]`, `TASK_HOOKS_ONCE_…`."""

from datetime import timedelta
from enum import StrEnum

import attrs

from task_core.api import more_than_nothing, option
from task_hooks_once.key import PLACE, names

STORES = ("sqlite", "postgres", "postgresql", "redis", "rediss")


class Mode(StrEnum):
    """What becomes of a task whose like is in work, or was done."""

    SKIP = "skip"
    WAIT = "wait"
    ERROR = "error"


def _known(instance: object, field: object, value: str) -> None:
    scheme, _, rest = value.partition(":")
    if scheme not in STORES:
        wanted = "sqlite://PATH, postgres://… or redis://…"
        raise ValueError(f"not the URL of a store: {wanted} is wanted")
    if scheme == "sqlite" and rest.removeprefix("//") in ("", ":memory:"):
        raise ValueError("no file: each process would have its own; give sqlite://PATH")


def _template(instance: object, field: object, value: str) -> None:
    wrong = [name for name in PLACE.findall(value) if name not in names()]
    wrong = [name for name in wrong if not name.startswith("meta:")]
    if wrong:
        known = ", ".join(f"{{{name}}}" for name in names())
        raise ValueError(f"there is no {{{wrong[0]}}}; there is {known}, {{meta:KEY}}")


@attrs.frozen(kw_only=True, eq=False)
class OnceOptions:
    """Where it is remembered, of what, and for how long."""

    types: tuple[str, ...] = option(
        (), help="Types of tasks that run once; * is all of them."
    )
    mode: Mode = option(
        Mode.SKIP, help="What becomes of a task whose like is in work or was done."
    )
    key: str = option(
        "{type} {info}",
        help="What makes tasks alike: a template of {type}, {job}, {info}, {id} and"
        " {meta:KEY}.",
        validator=_template,
    )
    window: timedelta = option(
        timedelta(hours=24),
        help="How long a task counts as done; 0s: only while its like is in work.",
    )
    store: str = option(
        "sqlite://once.db",
        help="Where it is remembered: sqlite://PATH, postgres://… or redis://….",
        validator=_known,
    )
    lease: timedelta = option(
        timedelta(seconds=30),
        help="Time after which others run the task of a worker that died.",
        validator=more_than_nothing,
    )
    pause: timedelta = option(
        timedelta(seconds=1),
        help="How long a task waits before it asks again.",
        validator=more_than_nothing,
    )
