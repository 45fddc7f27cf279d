"""Tests of names, as quick as can be: a listing makes one for each file."""

import re
from collections.abc import Callable, Iterable

from task_taskmaster_files.wild import wild_regex

Test = Callable[[str], object]
"""Takes a name; what it returns is true or not."""
_WILD = re.compile(r"[*?\[]")


def name_test(pattern: str, ignored: Iterable[str]) -> Test:
    """Return what tells whether a name matches a pattern, and none that is ignored."""
    begins, ends = [], []
    for one in ignored:
        if _WILD.search(one[1:]) is None and one[:1] == "*":
            ends.append(one[1:])
        elif _WILD.search(one[:-1]) is None and one[-1:] == "*":
            begins.append(one[:-1])
        else:
            return _by_regex(pattern, ignored)
    if pattern[:1] != "*" or _WILD.search(pattern[1:]):
        return _by_regex(pattern, ignored)
    suffix = pattern[1:]
    ends = [it for it in ends if it.endswith(suffix) or suffix.endswith(it)]
    return _by_ends(suffix, tuple(begins), tuple(ends))


def _by_ends(suffix: str, begins: tuple[str, ...], ends: tuple[str, ...]) -> Test:
    if ends:
        return lambda name: (
            name.endswith(suffix)
            and not name.startswith(begins)
            and not name.endswith(ends)
        )
    return lambda name: name.endswith(suffix) and not name.startswith(begins)


def _by_regex(pattern: str, ignored: Iterable[str]) -> Test:
    regex = wild_regex(pattern)
    others = "|".join(map(wild_regex, ignored))
    if others:
        regex = rf"(?!(?:{others})\Z){regex}"
    return re.compile(regex, re.DOTALL).fullmatch
