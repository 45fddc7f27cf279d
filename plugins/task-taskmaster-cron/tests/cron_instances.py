"""The taskmaster under `brokers.instances`: rules that fire once a second."""

import time
from datetime import UTC, datetime

from task_rules.missed import Missed
from task_store import open_store
from task_taskmaster_cron.by_store import AT_ONCE, SCOPE
from task_taskmaster_cron.rules import read_rules

RULES = 8


class Cron:
    """Each firing is owed, from the first second on.

    Args:
        folder: For its rules.
        store: What the instances share.
    """

    taskmaster, topic, at_once, lease = "cron", "tick", AT_ONCE, 2.0

    def __init__(self, folder, store):
        self._store = store
        rules = folder / "rules.toml"
        rule = '[[rule]]\ncron = "@every 1s"\ntype = "tick"\ntemplate = "%d {ts}"\n'
        rules.write_text("".join(rule % n for n in range(RULES)))
        self._begin, self._end = int(time.time()), 0
        # All of them begin at one moment, so that each firing after it is owed.
        opened = open_store(store)
        for rule in read_rules(rules, timezone="UTC", missed=Missed.ALL):
            opened.progress.advance(SCOPE, rule.key, self._begin)
        opened.close()

    def flags(self, number):
        """Return the same for both."""
        flags = ["--taskmaster-rules", "rules.toml", "--taskmaster-store", self._store]
        return [*flags, "--taskmaster-missed", "all", "--taskmaster-takeover", "2s"]

    def feed(self):
        """Time does."""

    def owed(self):
        """Return all firings up to the first call; later ones may have come, too."""
        self._end = self._end or int(time.time()) + 1
        return owed(self._begin, self._end)


def moment(_, info):
    """Return the time of a firing."""
    text = info.partition(" ")[2]
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()


def owed(begin, end):
    """Return all firings after a moment, up to another one."""
    seconds = range(begin + 1, end + 1)
    stamps = [
        datetime.fromtimestamp(it, UTC).strftime("%Y%m%dT%H%M%S") for it in seconds
    ]
    return {f"{n} {stamp}" for n in range(RULES) for stamp in stamps}
