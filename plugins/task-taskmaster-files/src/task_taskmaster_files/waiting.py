"""Files that may still be written: told once they have not changed for a while."""

from collections.abc import Iterable


class Waiting:
    """Remembers since when each file has been as it is.

    Only listings are compared with one another, and only the time between them is
    measured here: what the clock of a share says does not matter.

    Args:
        quiet: Seconds for which a file must stay the same.
    """

    def __init__(self, quiet: float) -> None:
        self.quiet = quiet
        self._since: dict[str, tuple[int, float]] = {}
        self._seen: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._since)

    def begin(self) -> None:
        """A listing begins."""
        self._seen = {}

    def is_ready(self, path: str, mark: int, now: float) -> bool:
        """Note that a file is listed; return whether it is finished.

        Args:
            path: Of the file.
            mark: Of its version.
            now: Seconds of a clock that nobody sets.
        """
        if self.quiet <= 0:
            return True
        before = self._since.get(path)
        since = before[1] if before and before[0] == mark else now
        self._seen[path] = (mark, since)
        return now - since >= self.quiet

    def told(self, paths: Iterable[str]) -> None:
        """Forget what is told now."""
        for path in paths:
            self._since.pop(path, None)
            self._seen.pop(path, None)

    def end(self, *, complete: bool) -> None:
        """A listing has ended.

        Args:
            complete: Whether all could be listed: then what was not there is gone.
        """
        self._since = self._seen if complete else {**self._since, **self._seen}
        self._seen = {}

    def next(self, now: float) -> float | None:
        """Return when the next one will have been quiet, on the clock of `is_ready`.

        One that was quiet already waits for something else.
        """
        moments = (since + self.quiet for _, since in self._since.values())
        return min((moment for moment in moments if moment > now), default=None)
