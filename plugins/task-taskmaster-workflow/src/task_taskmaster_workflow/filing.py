"""Phases with `files`: tasks for the files that messages of a topic tell of.

Only this module knows how such messages are read, which another distribution brings:
that of the taskmaster `files`.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

import attrs
from task_rules.info_dates import path_time
from task_store import Claim, Patience, Store, key_of
from task_taskmaster_files.events import read_event
from task_taskmaster_files.file import File
from task_taskmaster_files.filling import wants_date
from task_taskmaster_files.inbox import clean
from task_taskmaster_files.pattern import Pattern

from task_core.api import (
    DecodeError,
    Task,
    TaskmasterContext,
    decode_task,
    encode_task,
)
from task_taskmaster_workflow.book import Book, Entry
from task_taskmaster_workflow.folder import Library
from task_taskmaster_workflow.making import (
    Made,
    alert,
    deadline_of,
    for_file,
    in_order,
    values_of,
)
from task_taskmaster_workflow.phase import Phase

AT_ONCE = 100
WAIT = 0.2
"""Messages that are claimed together, and seconds in which they come."""


@attrs.frozen
class Rule:
    """A phase, and which files start it."""

    entry: Entry
    phase: Phase
    pattern: Pattern


class Filing:
    """Claims what files start; the loop of time sends it.

    Args:
        ctx: Of the loop that reads the topic.
        library: The workflows.
        store: Where claims are.
        alerts: Topic of what people should look at; none when empty.
    """

    def __init__(
        self, ctx: TaskmasterContext, library: Library, store: Store, alerts: str
    ) -> None:
        self._ctx = ctx
        self._library = library
        self._store = store
        self._alerts = alerts
        self._patience = Patience(ctx)
        self._book: Book | None = None
        self._rules: list[Rule] = []

    def read(self, topic: str, channel: str) -> Iterator[int]:
        """Read a topic; each time it has claimed something, tell how much."""
        for some in self._ctx.messages(topic, channel, read_message, AT_ONCE, WAIT):
            files = [clean(file) for file in chain.from_iterable(some)]
            yield self._patience.insist(partial(self._claim, files))

    def _claim(self, files: Sequence[File]) -> int:
        """Claim what files start; told twice they start it once."""
        book = self._library.book
        if book is not self._book:
            self._rules, self._book = list(self._rules_of(book)), book
        made: list[Made] = []
        claims: list[Claim] = []
        for file in files:
            before = len(made) + len(claims)
            for rule in self._rules:
                self._start(rule, file, made, claims)
            if before == len(made) + len(claims):
                self._ctx.log.debug("no phase is about %s", file.path)
        return self._queue(made, claims) if made or claims else 0

    def _queue(self, made: list[Made], claims: list[Claim]) -> int:
        """Claim tasks and alerts; deadlines only of those that were not told before."""
        store, clock = self._store, self._ctx.clock
        with store.transaction():
            now = store.now()
            new = store.queue([*in_order(made, now), *claims])
            ours = [it for it, is_new in zip(made, new, strict=False) if is_new]
            ends = (deadline_of(it, self._alerts, now, clock) for it in ours)
            store.queue([it for it in ends if it])
        return sum(new)

    def _rules_of(self, book: Book) -> Iterator[Rule]:
        for entry in book.entries.values():
            for phase in entry.workflow.phases:
                if phase.files:
                    yield Rule(entry, phase, Pattern(phase.files, phase.zone))

    def _start(
        self, rule: Rule, file: File, made: list[Made], claims: list[Claim]
    ) -> None:
        is_meant, moment = rule.pattern.match(file.path)
        if not is_meant:
            return
        moment = moment or path_time(file.path)
        try:
            if moment is None and wants_date(rule.phase.template):
                text = f"no date in its path, which the template asks for: {file.path}"
                raise ValueError(text)  # noqa: TRY301  one way to tell both
            cause = (file.path, file.version)
            made += for_file(rule.entry, rule.phase, cause, moment, self._ctx.clock)
        except ValueError as error:
            claims += self._trouble(rule.phase, file, str(error))

    def _trouble(self, phase: Phase, file: File, text: str) -> list[Claim]:
        self._ctx.log.error("%s: %s", phase, text)
        if not self._alerts:
            return []
        cause = (phase.workflow, phase.key, file.path, file.version)
        told = encode_task(alert(phase, text, self._ctx.clock, file.path))
        return [Claim(key_of("trouble", *cause), self._alerts, told)]


def read_message(body: bytes) -> list[File]:
    """Return the files that a message tells of: an event, or a task about a file.

    Raises:
        DecodeError: It tells of no file.
    """
    task = _task(body)
    if task is None:
        return read_event(body)
    path = values_of(task.meta).get("file") or task.info.partition("?")[0]
    if not path:
        raise DecodeError("a task without a file in its info or meta")
    return [File(path=path, version=task.id or task.created)]


def _task(body: bytes) -> Task | None:
    """Return a task, as rules of the taskmaster `files` send them; None of others."""
    try:
        task = decode_task(body)
    except DecodeError:
        return None
    return task if task.type else None
