"""What becomes of done tasks: which claims they lead to."""

from collections.abc import Iterable, Iterator

import attrs
from msgspec import structs
from task_store import Claim, key_of

from task_core.api import Task, encode_task, excerpt, format_meta, parse_meta, shown
from task_taskmaster_retry.rule import COUNT, FAILED, TRIED, Rule, count_of
from task_taskmaster_retry.rules import Rules


@attrs.frozen
class Planned:
    """What becomes of one failed task.

    Args:
        text: That, for people; it names the task.
        claims: What is to be sent for it.
        rule: The rule that is about it.
        again: Whether it runs again; else it is given up.
    """

    text: str
    claims: tuple[Claim, ...]
    rule: str
    again: bool = False


class Planner:
    """Applies rules to done tasks.

    Args:
        rules: The rules.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._by_type: dict[str, list[Rule]] = {}
        for rule in rules.rules:
            self._by_type.setdefault(rule.type, []).append(rule)

    def plan(self, tasks: Iterable[Task], now: float) -> Iterator[Planned]:
        """Return what becomes of those that have failed, and that a rule is about.

        Args:
            tasks: Done tasks.
            now: The time of the store.
        """
        for task in tasks:
            for rule in self._by_type.get(task.type, ()):
                if rule.is_for(task):
                    yield self._planned(task, rule, now)
                    break

    def _planned(self, task: Task, rule: Rule, now: float) -> Planned:
        count = count_of(task)
        if count is None or count >= rule.retry:
            return self._given_up(task, rule, count)
        delay = rule.delay(count)
        again = Task(
            type=task.type,
            job=task.job,
            info=task.info,
            created=task.created,
            id=task.id,
            meta=_meta(task, {COUNT: str(count + 1)}),
        )
        claims = [_claim(task, count, rule.topic, again, now + delay)]
        if self._rules.retried_topic:
            topic = self._rules.retried_topic
            claims.append(_claim(task, count, topic, again, now + delay))
        what = f"again in {delay:.0f}s, {count + 1} of {rule.retry}"
        return Planned(_told(task, rule, what), tuple(claims), str(rule), again=True)

    def _given_up(self, task: Task, rule: Rule, count: int | None) -> Planned:
        if not self._rules.failed_topic:
            return Planned(_told(task, rule, "given up"), (), str(rule))
        meta = {COUNT: FAILED}
        if count is not None:
            meta[TRIED] = str(count)
        last = structs.replace(task, meta=_meta(task, meta))
        topic = self._rules.failed_topic
        claims = (_claim(task, -1, topic, last, 0.0),)
        text = _told(task, rule, f"given up after {count or 0}")
        return Planned(text, claims, str(rule))


def _told(task: Task, rule: Rule, what: str) -> str:
    """Return what becomes of a task, which is named as in the launcher's lines."""
    named = task.id or excerpt(task.info)
    return shown(f"task {task.type} {named}: {rule}: {what}: {task.msg}")


def _claim(task: Task, count: int, topic: str, body: Task, due: float) -> Claim:
    """Return a claim whose key is a function of the failed run, and of its topic.

    Its meta is a part of it: tasks of a batch may differ in nothing else.
    """
    cause = [task.type, task.job, task.id, task.created, task.info, str(count)]
    cause.append(task.meta)
    if not task.id:  # of what is sent each day as the same bytes, each day's run
        cause += [task.started, task.ended]
    return Claim(key_of("retry", topic, *cause), topic, encode_task(body), due)


def _meta(task: Task, changes: dict[str, str]) -> str:
    return format_meta({**parse_meta(task.meta), **changes})
