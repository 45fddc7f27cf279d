"""Tells files: notes each version as told and claims its task, in one transaction."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from task_rules.template import expand
from task_store.claim import Claim, key_of
from task_store.outbox import Outbox
from task_store.store import Store

from task_core.api import Task, TaskmasterContext, encode_task, format_meta
from task_taskmaster_files import filling
from task_taskmaster_files.file import File
from task_taskmaster_files.grouping import Grouping, Late
from task_taskmaster_files.keeping import pack
from task_taskmaster_files.rule import Rule, task_of_file

T = TypeVar("T")
AT_ONCE = 100
"""How many files are told in one transaction: all are sent within a lease."""
BEGUN = "files"
"""Scope of when each rule began."""


def fired_scope(rule: Rule) -> str:
    """Return the scope of when each group of a rule fired."""
    return f"files:{rule.key}"


class Teller:
    """Tells the files of all rules. Used by one thread.

    Args:
        ctx: Logs, and has the clock.
        store: Where it is kept what is told.
        outbox: Sends.
        alerts: Topic of what a person is to know.
    """

    def __init__(
        self, ctx: TaskmasterContext, store: Store, outbox: Outbox, alerts: str
    ) -> None:
        self._ctx = ctx
        self._store = store
        self._outbox = outbox
        self._alerts = alerts

    def insist(self, act: Callable[[], T]) -> T:
        """Do something with the store, again and again while it is away."""
        return self._outbox.insist(act)

    def tell(self, rule: Rule, files: Sequence[File]) -> int:
        """Tell versions of files, those aside that were told before.

        Returns:
            How many were new.
        """
        count = 0
        for some in chunks(files, AT_ONCE):
            count += sum(self._outbox.send_from(partial(self.note, rule, some)))
        return count

    def note(self, rule: Rule, files: Sequence[File]) -> list[Claim]:
        """Note versions of files; return the claims of those that are new.

        Called within a transaction, so that both are kept, or nothing is.
        """
        versions = [(file.path, file.version) for file in files]
        new = self._store.seen.add(rule.key, versions)
        fresh = [file for file, is_new in zip(files, new, strict=True) if is_new]
        if rule.grouping is None:
            return [self._claim(rule, file) for file in fresh]
        return self._gather(rule, rule.grouping, fresh)

    def skip(self, rule: Rule, files: Sequence[File]) -> None:
        """Note versions of files that need not be told."""
        for some in chunks(files, 10 * AT_ONCE):
            versions = [(file.path, file.version) for file in some]
            self._outbox.insist(partial(self._store.seen.add, rule.key, versions))

    def alert(self, rule: Rule, info: str, message: str, *cause: str) -> Claim:
        """Return the claim of a task that tells a person.

        Args:
            rule: Whose.
            info: What it is about.
            message: What is wrong.
            cause: What tells it from others.
        """
        self._ctx.log.warning("%s: %s", rule, message)
        clock = self._ctx.clock
        meta = format_meta(rule.meta)
        task = Task.new(rule.type, info, job=rule.job, meta=meta, clock=clock)
        task.start(clock)
        task.end("alert", message, clock)
        key = key_of("files-alert", rule.key, *cause)
        return Claim(key, self._alerts, encode_task(task))

    def _claim(self, rule: Rule, file: File) -> Claim:
        key = key_of("files", rule.key, file.path, file.version)
        if message := undated(rule, file):
            return self.alert(rule, file.path, message, file.path, file.version)
        task = task_of_file(rule, file, self._ctx.clock)
        return Claim(key, rule.topic, encode_task(task))

    def _gather(
        self, rule: Rule, grouping: Grouping, files: Sequence[File]
    ) -> list[Claim]:
        """Put files into their groups; return the claims for those that are late."""
        claims = []
        named: list[tuple[str, File]] = []
        for file in files:
            if text := undated(rule, file):
                alert = self.alert(rule, file.path, text, file.path, file.version)
                claims.append(alert)
            else:
                named.append((group_of(grouping, file), file))
        fired: Collection[str] = ()
        if grouping.late in (Late.ALERT, Late.IGNORE):
            names = (name for name, _ in named)
            fired = self._store.progress.known(fired_scope(rule), names)
        for name, file in named:
            if name not in fired:
                self._store.groups.add(rule.key, name, {file.path: pack(file)})
            else:
                claims += self.too_late(rule, grouping, name, file)
        return claims

    def too_late(
        self, rule: Rule, grouping: Grouping, name: str, file: File
    ) -> list[Claim]:
        """Return the claims for a file that came after its group had fired."""
        if grouping.late is Late.ALERT:
            text = f"{file.path} came after its group {name!r} had fired"
            return [self.alert(rule, file.path, text, file.path, file.version)]
        text = "%s: %s came after its group %r had fired: ignored"
        self._ctx.log.info(text, rule, file.path, name)
        return []


def group_of(grouping: Grouping, file: File) -> str:
    """Return the name of the group of a file that has the date it asks for."""
    return expand(grouping.by, file.moment).replace("{dir}", file.folder)


def undated(rule: Rule, file: File) -> str:
    """Return what is wrong with a file without the date it needs; or empty.

    Args:
        rule: Whose template or group may ask for one.
        file: The file.
    """
    if file.moment is not None:
        return ""
    if rule.grouping and filling.wants_date(rule.grouping.by):
        return f"no date in its path, which the group asks for: {file.path}"
    if filling.wants_date(rule.template):
        return f"no date in its path, which the template asks for: {file.path}"
    return ""


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield items some at a time."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
