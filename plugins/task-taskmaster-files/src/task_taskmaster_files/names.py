"""Which names in a folder match, and which folders lead on to more."""

import re
from collections.abc import Callable, Iterable, Sequence

from task_taskmaster_files.quick import Test, name_test
from task_taskmaster_files.wild import wild_regex

ANY_DEPTH = "**"

State = frozenset[int]
"""How many segments of a pattern may be behind us."""


def any_of(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a name matches one of some patterns."""
    regex = "|".join(map(wild_regex, patterns))
    if not regex:
        return lambda _: False
    matches = re.compile(regex, re.DOTALL).fullmatch
    return lambda name: matches(name) is not None


class Names:
    """The wild part of a pattern, walked folder by folder.

    Args:
        segments: Of the pattern, behind its fixed part.
        ignored: Patterns of names that are none, of files and of folders.
    """

    def __init__(self, segments: Sequence[str], ignored: Iterable[str]) -> None:
        self._segments = segments
        self._patterns = [re.compile(wild_regex(it), re.DOTALL) for it in segments]
        self._fixed = [not re.search(r"[*?\[]", it) for it in segments]
        self._patterns_ignored = tuple(ignored)
        self._ignored = any_of(self._patterns_ignored)
        self._last = len(segments) - 1
        self.start = self._reached({0})
        self._files: dict[State, Test] = {}

    def files(self, state: State) -> Test:
        """Return what tells whether a file of that name is meant, in that state."""
        if state not in self._files:
            self._files[state] = self._file_test(state)
        return self._files[state]

    def enter(self, state: State, name: str) -> State:
        """Return the state within a folder of that name; empty: nothing is in there."""
        found: set[int] = set()
        open_to = not self._ignored(name)
        for at in state:
            if self._segments[at] == ANY_DEPTH:
                if open_to:
                    found.add(at)
            elif (
                at < self._last
                and (open_to or self._fixed[at])
                and self._patterns[at].fullmatch(name)
            ):
                found.add(at + 1)
        return self._reached(found)

    def leads_on(self, state: State) -> bool:
        """Whether anything may be in folders below."""
        return any(it < self._last for it in state)

    def is_deep(self, state: State) -> bool:
        """Whether folders of any depth are meant: links might lead in circles."""
        return any(self._segments[it] == ANY_DEPTH for it in state)

    def _reached(self, states: set[int]) -> State:
        """Add what follows `**`, which may stand for no folder at all."""
        found = set(states)
        for at in sorted(states):
            while self._segments[at] == ANY_DEPTH:
                at += 1  # noqa: PLW2901  steps on
                found.add(at)
        return frozenset(found)

    def _file_test(self, state: State) -> Test:
        if self._last not in state:
            return lambda _: False
        last = self._segments[self._last]
        return name_test(
            last, () if self._fixed[self._last] else self._patterns_ignored
        )
