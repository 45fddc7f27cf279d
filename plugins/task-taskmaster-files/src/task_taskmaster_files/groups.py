"""Groups of files: fires those that are complete, and tells of those that are short."""

from collections.abc import Container, Sequence
from functools import partial

from task_store.claim import Claim, key_of
from task_store.groups import Group
from task_store.outbox import Outbox
from task_store.store import Store

from task_core.api import TaskmasterContext, encode_task
from task_taskmaster_files import filling
from task_taskmaster_files.file import digest
from task_taskmaster_files.grouping import Grouping, Late, Short, Verdict, judge
from task_taskmaster_files.keeping import unpack
from task_taskmaster_files.manifests import Manifests
from task_taskmaster_files.rule import Firing, Rule, task_of_group
from task_taskmaster_files.teller import AT_ONCE, Teller, fired_scope


class ChangedError(Exception):
    """The group is not as it was a moment before: another instance was faster."""


class GroupKeeper:
    """Looks after the groups of all rules. Used by one thread.

    Args:
        ctx: Logs, and has the clock.
        store: Where groups wait.
        outbox: Sends.
        teller: Makes alerts.
        manifests: Writes lists of files.
    """

    def __init__(
        self,
        ctx: TaskmasterContext,
        store: Store,
        outbox: Outbox,
        teller: Teller,
        manifests: Manifests,
    ) -> None:
        self._ctx = ctx
        self._store = store
        self._outbox = outbox
        self._teller = teller
        self._manifests = manifests
        self._told: set[str] = set()

    def look(self, rule: Rule) -> tuple[int, float | None]:
        """Fire the groups of a rule that are due.

        Returns:
            How many files wait yet, and in how many seconds to look again, if ever.
        """
        if rule.grouping is None:
            return 0, None
        waiting, nexts = 0, []
        groups = self._outbox.insist(lambda: self._store.groups.waiting(rule.key))
        names = [group.name for group in groups]
        fired = self._fired(rule, rule.grouping, names)
        for group in groups:
            is_late = group.name in fired
            left, soonest = self._look_at(rule, rule.grouping, group, late=is_late)
            waiting += left
            if soonest is not None:
                nexts.append(soonest)
        return waiting, min(nexts, default=None)

    def _fired(
        self, rule: Rule, grouping: Grouping, names: Sequence[str]
    ) -> Container[str]:
        """Return which of some groups have fired, if that matters."""
        is_alike = grouping.late is Late.AGAIN and not (
            grouping.count or grouping.min_count > 1
        )
        if is_alike or grouping.late is Late.NEXT:
            return frozenset()
        known = partial(self._store.progress.known, fired_scope(rule), names)
        return self._outbox.insist(known)

    def _look_at(
        self, rule: Rule, grouping: Grouping, group: Group, *, late: bool
    ) -> tuple[int, float | None]:
        count, first = group.count, group.first
        now = self._outbox.insist(self._store.now)
        while not self._ctx.stopping:
            if late and grouping.late is not Late.AGAIN:
                return self._settle_late(rule, grouping, group)
            verdict = judge(grouping, count, first, group.last, now, late=late)
            if not verdict.fire:
                return count, None if verdict.next is None else verdict.next - now
            if verdict.short and grouping.short is Short.ALERT:
                self._tell_short(rule, grouping, group)
                return count, None
            if not self._fire(rule, grouping, group, verdict):
                return count, 0.0
            count -= verdict.fire
            if not count:
                break
            late = grouping.late is not Late.NEXT
        return count, None

    def _settle_late(
        self, rule: Rule, grouping: Grouping, group: Group
    ) -> tuple[int, float | None]:
        """Tell of what is more than a group that has fired; it waits no longer."""
        items = self._outbox.insist(
            lambda: self._store.groups.items(rule.key, group.name, AT_ONCE)
        )
        files = [unpack(items[path]) for path in sorted(items)]

        def act() -> Sequence[Claim]:
            if self._store.groups.take(rule.key, group.name, items) != items:
                raise ChangedError
            told = (
                self._teller.too_late(rule, grouping, group.name, it) for it in files
            )
            return [claim for claims in told for claim in claims]

        try:
            self._outbox.send_from(act)
        except ChangedError:
            return len(items), 0.0
        return 0, 0.0 if len(items) == AT_ONCE else None

    def _fire(
        self, rule: Rule, grouping: Grouping, group: Group, verdict: Verdict
    ) -> bool:
        """Fire a group; return whether it was as we thought."""
        items = self._outbox.insist(
            lambda: self._store.groups.items(rule.key, group.name, verdict.fire)
        )
        if len(items) < verdict.fire:
            return False
        files = [unpack(items[path]) for path in sorted(items)]
        mark = digest(
            rule.key, group.name, *(f"{it.path}\0{it.version}" for it in files)
        )
        manifest = ""
        if filling.wants_manifest(rule.template):
            manifest = self._manifests.write(rule.type, mark, files)

        def act() -> Sequence[Claim]:
            taken = self._store.groups.take(rule.key, group.name, items)
            if taken != items:
                raise ChangedError
            scope = fired_scope(rule)
            notes = self._notes(rule, grouping, group, len(files), verdict)
            self._store.progress.advance(
                scope, group.name, self._store.now(), str(rule)
            )
            firing = Firing(
                group=group.name, files=files, manifest=manifest, notes=notes
            )
            task = task_of_group(rule, firing, self._ctx.clock)
            key = key_of("files-group", rule.key, group.name, mark)
            return [Claim(key, rule.topic, encode_task(task))]

        try:
            self._outbox.send_from(act)
        except ChangedError:
            return False
        self._ctx.log.info(
            "%s: group %r fired with %d files", rule, group.name, len(files)
        )
        return True

    def _notes(
        self, rule: Rule, grouping: Grouping, group: Group, count: int, verdict: Verdict
    ) -> dict[str, str]:
        """Return what the meta says beside: that it is late, or short."""
        notes = {}
        may_be_late = grouping.count is None or grouping.late is Late.AGAIN
        if may_be_late and self._store.progress.known(fired_scope(rule), [group.name]):
            notes["late"] = "true"
        if verdict.short:
            notes["short"] = f"{count} of {grouping.min_count}"
            text = "%s: group %r fires with %d files; it should have %d"
            self._ctx.log.warning(text, rule, group.name, count, grouping.min_count)
        return notes

    def _tell_short(self, rule: Rule, grouping: Grouping, group: Group) -> None:
        """Tell a person that a group should be complete; once for as many files."""
        cause = (group.name, str(group.first), str(group.count))
        key = digest(rule.key, *cause)
        if key in self._told:
            return
        text = (
            f"group {group.name!r} waits with {group.count} files; it should have"
            f" {grouping.min_count} by now"
        )
        self._outbox.send(self._teller.alert(rule, group.name, text, *cause))
        self._told.add(key)
