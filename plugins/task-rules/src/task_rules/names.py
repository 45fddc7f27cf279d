"""Names that were meant, for those that were written."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return `: did you mean 'x'?` for the nearest candidate, or nothing.

    Case is no difference: `dependson` is near to `dependsOn`.
    """
    known = {candidate.lower(): candidate for candidate in candidates}
    close = get_close_matches(name.lower(), known, n=1)
    return f": did you mean {known[close[0]]!r}?" if close else ""
