"""Reads the topic of events: what rules of events tell, and when others should list."""

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain

import attrs
from task_store.outbox import Outbox
from task_store.store import Store

from task_core.api import TaskmasterContext
from task_taskmaster_files.events import read_event
from task_taskmaster_files.file import File
from task_taskmaster_files.names import any_of
from task_taskmaster_files.rule import Rule, Source
from task_taskmaster_files.scanner import dated
from task_taskmaster_files.teller import Teller
from task_taskmaster_files.watch import Watch

AT_ONCE = 100
WAIT = 0.2
"""Messages that are noted together, and seconds in which they come."""


class Inbox:
    """Reads the topic of events, in a loop of its own.

    What it claims is sent by the loop that looks: a message may be acknowledged as soon
    as the claims are in the store.

    Args:
        topic, channel: What to read.
        rules: Those that events tell their files.
        watches: The others, at work.
        store: Where it is kept what was told.
        alerts: Topic of what a person is to know.
        wake: Called when there is something to send, or to look for.
    """

    def __init__(
        self,
        topic: str,
        channel: str,
        rules: Sequence[Rule],
        watches: Sequence[Watch],
        store: Store,
        alerts: str,
        wake: Callable[[], object],
    ) -> None:
        self._topic, self._channel = topic, channel
        self._rules = [rule for rule in rules if rule.source is Source.EVENTS]
        self._ignored = {rule.key: any_of(rule.ignore) for rule in self._rules}
        self._watches = watches
        self._store = store
        self._alerts = alerts
        self._wake = wake
        self.queued = threading.Event()
        """Set when there is something to send."""
        self.ended = threading.Event()
        """Set when no message will come."""
        self.files = self.unmatched = 0

    def run(self, ctx: TaskmasterContext) -> None:
        """Read until stopped, or until the last message of a pipe or file."""
        outbox = Outbox(ctx, self._store)
        teller = Teller(ctx, self._store, outbox, self._alerts)
        try:
            with self._store.serving(ctx, "the events in work are given back"):
                for batch in ctx.messages(
                    self._topic, self._channel, read_event, AT_ONCE, WAIT
                ):
                    files = [clean(file) for file in chain.from_iterable(batch)]
                    self._note(ctx, outbox, teller, files)
        finally:
            self.ended.set()
            self._wake()

    def _note(
        self,
        ctx: TaskmasterContext,
        outbox: Outbox,
        teller: Teller,
        files: Sequence[File],
    ) -> None:
        self.files += len(files)
        met: set[str] = set()
        for rule in self._rules:
            meant = list(self._meant(rule, files))
            if meant:
                outbox.insist(partial(self._queue, teller, rule, meant))
                met.update(file.path for file in meant)
                self.queued.set()
        for watch in self._watches:
            found = [it.path for it in files if watch.rule.pattern.match(it.path)[0]]
            if found:
                watch.wake()
                met.update(found)
        for file in files:
            if file.path not in met:
                self.unmatched += 1
                ctx.log.debug("no rule is about %s", file.path)
        self._wake()

    def _queue(self, teller: Teller, rule: Rule, files: Sequence[File]) -> None:
        """Note files, and claim what comes of them; both or neither."""
        with self._store.transaction():
            claims = teller.note(rule, files)
            if claims:
                self._store.queue(claims)

    def _meant(self, rule: Rule, files: Iterable[File]) -> Iterable[File]:
        for file in files:
            is_meant, moment = rule.pattern.match(file.path)
            if is_meant and not self._ignored[rule.key](file.name):
                yield dated(attrs.evolve(file, moment=moment))


def clean(file: File) -> File:
    """Return a file with the path of this machine when its URL is that of one."""
    path = file.path.removeprefix("file://")
    return attrs.evolve(file, path=path) if path.startswith("/") else file
