"""Info strings that are like the ones before: the same keys in the same order.

Those of one topic mostly are. One expression then takes a string apart as far as its
values, and what it is not made for is left to `info.py`, which reads any string.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from task_core.uri import PARTS, PLAIN_FRAGMENT, PLAIN_HEAD

PLACES = {"authority": 2, "host": 2, "path": 3}
"""The groups of `PLAIN_HEAD` that are parts of a URI as they are written."""
FIRST_VALUE = 4
"""The group behind them: the value of the first key."""

Read = Callable[[str], Any]


def shape_of(
    make: Callable[..., Any],
    order: Sequence[str],
    names: Mapping[str, str],
    readers: Mapping[str, Read],
) -> Read:
    """Return what reads strings that give some arguments in some order.

    It returns None for any other string, and raises what the readers and the
    constructor do.

    Args:
        make: The constructor.
        order: The names of its arguments.
        names: For each argument that there is, its key or part of the URI.
        readers: For each, what reads its text.
    """
    wanted = _positional(make)[: len(order)]
    keys = [names[argument] for argument in order if names[argument] not in PARTS]
    groups = {key: place for place, key in enumerate(keys, FIRST_VALUE)} | PLACES
    parts = [name for name in names.values() if name in PARTS]
    if (
        len(order) < 2  # its group would be no tuple
        or {*wanted} != {*order}
        or len(keys) + len(parts) != len(order)  # a part is missing that may be there
        or not groups.keys() >= {*parts}
    ):
        return lambda info: None
    places = [groups[names[argument]] for argument in wanted]
    odd = [(index, readers[argument]) for index, argument in enumerate(wanted)]
    return _reader(make, _matcher(keys), places, [it for it in odd if it[1] is not str])


def _reader(
    make: Callable[..., Any],
    match: Callable[[str], re.Match[str] | None],
    places: Sequence[int],
    readers: Sequence[tuple[int, Read]],
) -> Read:
    def read_shape(info: str) -> Any:
        found = match(info)
        if found is None:
            return None
        values: list[Any] = [*found.group(*places)]
        if "" in values or None in values:
            return None
        for index, read in readers:
            values[index] = read(values[index])
        return make(*values)

    return read_shape


def _matcher(keys: Sequence[str]) -> Callable[[str], re.Match[str] | None]:
    """Return what takes apart plain URIs that have just these keys."""
    query = "&".join(f"{re.escape(key)}=([^&#%+]+)" for key in keys)
    mark = r"\?" if query else ""
    return re.compile(f"{PLAIN_HEAD}{mark}{query}{PLAIN_FRAGMENT}").fullmatch


def _positional(make: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that need no name.

    What a constructor wraps may take others than those that it is called with itself.
    """
    parameters = inspect.signature(make, follow_wrapped=False).parameters.values()
    return [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
