"""What the command line of `task backload` says: read, and refused if it is wrong."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from task_store.place import read_place

from task_core.api import UsageError
from task_taskmaster_workflow.backload_request import DONE_TOPIC
from task_taskmaster_workflow.folder import store_beside

STORE = "backload.db"
PLACE = {"path": "path", "store": "store"}
SENDING = {
    "url": "bus",
    "rate": "rate",
    "max_in_flight": "max-in-flight",
    "done_topic": "done-topic",
}
TO_DO = ("send", "cancel", "pause")
RANGE = ("start", "end", "on_hours", "off_hours", "every")


def check_words(given: Mapping[str, str]) -> None:
    """Refuse words that contradict each other, or that would be passed over.

    Args:
        given: The words that are there, by their names here, as people write them.

    Raises:
        UsageError: There are such words.
    """
    if "list_" in given:
        _leave_out(given, _but(given, "list_", *PLACE), "--list shows all plans")
    elif "plan" in given:
        _check_go_on(given)
    else:
        wrong = [given[key] for key in ("cancel", "pause") if key in given]
        if wrong:
            text = "is for a plan that is there: name it with --plan ID instead of TASK"
            raise UsageError(f"{wrong[0]} {text}")
        if "at" in given:
            _leave_out(
                given, [key for key in RANGE if key in given], "--at is one date"
            )


def _check_go_on(given: Mapping[str, str]) -> None:
    if "task" in given:
        raise UsageError("a plan has its task: leave out TASK, or --plan")
    if "only" in given:
        text = "a plan sends each of its tasks once, so --only does not go with --plan"
        raise UsageError(f"{text}: to send some again, make a new plan of their dates")
    to_do = [given[key] for key in TO_DO if key in given]
    if len(to_do) > 1:
        raise UsageError(f"give one of {' and '.join(to_do)}, not both")
    known = ("plan", *PLACE, *SENDING, *TO_DO)
    _leave_out(given, _but(given, *known), "--plan is a plan that was made before")


def _but(given: Mapping[str, str], *known: str) -> list[str]:
    return [key for key in given if key not in known]


def _leave_out(given: Mapping[str, str], keys: Sequence[str], why: str) -> None:
    if keys:
        flags = " and ".join(given[key] for key in keys)
        raise UsageError(f"{why}: leave out {flags}")


def store_url(words: Mapping[str, Any]) -> str:
    """Return where plans are: beside the files of phases, as all of their state."""
    if words["store"] is not None:
        return str(words["store"])
    path = words["path"]
    return STORE if path is None else store_beside(path)


def check_store(words: Mapping[str, Any]) -> None:
    """Refuse to look for plans where there is no store: a look makes none.

    Args:
        words: What the command line says.

    Raises:
        UsageError: There is none.
    """
    place = read_place(store_url(words))
    if not place.path or Path(place.path).exists():
        return
    plan = f"there is no plan {words['plan']!r}, as " if words["plan"] else ""
    raise UsageError(f"{plan}there is no {_at(place.name)}: {other_store()}")


def _at(name: str) -> str:
    return name.replace("store ", "store at ", 1)


def other_store() -> str:
    """Return how to name another store."""
    return "name the files of its phases with --path, or the store with --store"


def again(plan: str, words: Mapping[str, Any]) -> str:
    """Return what to type to send the rest of a plan, in the same way.

    Args:
        plan: Its id.
        words: What the command line says.
    """
    said = {key: words[key] for key in (*PLACE, *SENDING) if words[key]}
    if said.get("done_topic") == DONE_TOPIC:
        del said["done_topic"]
    flags = PLACE | SENDING
    more = "".join(
        f" --{flags[key]} {shlex.quote(str(value))}" for key, value in said.items()
    )
    return f"task backload --plan {plan}{more} --send"


def read_meta(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read the values of `--meta`; those of a key that comes twice are put together."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        key, equals, values = word.partition("=")
        if not equals or not re.fullmatch(r"\w+", key):
            raise UsageError(f"--meta takes KEY=A,B, not {word!r}")
        found[key] = (*found.get(key, ()), *values.split(","))
    return found


def read_hours(name: str, text: str) -> tuple[int, ...]:
    """Read hours of the day.

    Args:
        name: Of the option.
        text: Its value, such as `0,6,12`.
    """
    try:
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise UsageError(f"--{name} takes hours such as 0,6,12, not {text!r}") from None


def read_rate(text: str) -> float:
    """Read `10/s`, `600/m` and the like, as tasks a second; 0 when nothing is said."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/(s|m|h))?", text or "0")
    if not match:
        raise UsageError(f"--rate takes 10/s, 600/m or the like, not {text!r}")
    return float(match[1]) / {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]
