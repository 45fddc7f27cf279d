"""Finds what somebody may have meant."""

from collections.abc import Iterable
from importlib import import_module


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return `: did you mean 'x'?` for the nearest candidate, or nothing.

    Example:
        >>> nearest("helo", ["hello", "load"])
        ": did you mean 'hello'?"
    """
    # Looked up here, since every start would pay for it and few need it.
    close = import_module("difflib").get_close_matches(name, list(candidates), n=1)
    return f": did you mean '{close[0]}'?" if close else ""
