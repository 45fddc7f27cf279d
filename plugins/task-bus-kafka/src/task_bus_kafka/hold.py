"""A pause in handing out, while it cannot be written down what is done.

A group that waits for a leader that has died takes nobody's progress, for up to a
lease. Whoever is killed meanwhile would leave all that it did to be done again. So it
is with what is handed out while we leave a group: others get it, too.
"""

import math
from time import monotonic


class Hold:
    """Lasts while it is renewed, and no longer than a lease: work goes on then.

    Or from `begin` to `end`, however long that takes.

    Args:
        longest: Seconds that it lasts at most, and that are between two.
    """

    def __init__(self, longest: float) -> None:
        self.ends = -math.inf
        self._longest = longest
        self._since = self._renewed = -math.inf

    def renew(self, seconds: float) -> None:
        """Hand out nothing for so long: progress was refused just now."""
        now = monotonic()
        if now > self._renewed + self._longest:
            self._since = now
        self._renewed = now
        self.ends = max(self.ends, min(now + seconds, self._since + self._longest))

    def begin(self) -> None:
        """Hand out nothing until `end`: all of it is about to be given up."""
        self.ends = math.inf

    def end(self) -> None:
        """Hand out again what comes from now on."""
        self.ends = -math.inf

    def lasts(self, now: float) -> bool:
        """Whether nothing is to be handed out."""
        return now < self.ends
