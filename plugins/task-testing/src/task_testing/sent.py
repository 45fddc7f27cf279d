"""What an application sends in a test: looked at, with no broker."""

import difflib
import uuid
from collections.abc import Mapping
from typing import Any, Self

import attrs

from task_core import connect, open_bus
from task_core.api import Task, decode_task, format_meta

CHANNEL = "task_client"
"""The channel on which what was sent is looked at; workers have others."""
AT_ONCE = 1000
FIELDS = [one for one in Task.__struct_fields__ if one != "type"]
"""Of a task: what a test may ask for beside its type."""


@attrs.frozen
class SentTask:
    """A task, where it was sent to, and with a delay of how many seconds."""

    task: Task
    topic: str
    delay: float = 0.0


class TaskClient:
    """A client on a memory bus of its own, which tells what was sent there.

    Whoever sends to `url` is seen, also clients of their own, and what is sent with a
    delay is seen at once. A worker of the test
    takes nothing away from it; one that begins before a topic is watched does.

    Example:
        >>> with TaskClient() as tasks:
        ...     _ = tasks.send("load", "a.csv")
        ...     tasks.assert_sent("load", info="a.csv").info
        'a.csv'
    """

    def __init__(self) -> None:
        self.url = f"memory:test-{uuid.uuid4()}"
        self.client = connect(self.url)
        self._bus = open_bus(self.url)
        self._seen: list[SentTask] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self.client.close()
        for topic in self._bus.topics():
            self._bus.forget(topic, "")
        self._bus.close()

    def send(self, task: Task | str, info: str = "", **more: Any) -> Task:
        """Send a task, as the client does."""
        return self.client.send(task, info, **more)

    def watch(self, *topics: str) -> None:
        """See what is sent to topics from now on, whatever workers take."""
        for topic in topics:
            self._bus.subscribe(topic, CHANNEL).close()

    @property
    def sent(self) -> list[SentTask]:
        """All that was sent, topic by topic."""
        for topic in self._bus.topics():
            consumer: Any = self._bus.subscribe(topic, CHANNEL)  # of the memory bus
            while found := consumer.receive(AT_ONCE, 0):
                consumer.ack(found)
                self._seen += [SentTask(decode_task(it.body), topic) for it in found]
            for it in consumer.take_delayed():
                self._seen.append(SentTask(decode_task(it.body), topic, it.delay))
            consumer.close()
        return [*self._seen]

    def clear(self) -> None:
        """Forget what was sent so far."""
        assert self.sent is not None  # read, so that it is not seen later
        self._seen.clear()

    def assert_sent(
        self,
        type: str,
        *,
        topic: str | None = None,
        count: int | None = None,
        meta: Mapping[str, str] | str | None = None,
        **fields: str,
    ) -> Task:
        """Fail unless such a task was sent.

        Args:
            type: Its type.
            topic: Where to.
            count: How many there must be; any number but none when not given.
            meta: All of its meta.
            fields: What else it says: `info`, `job`, `id`.

        Returns:
            The first of them; an empty one where none is what is wanted.
        """
        __tracebackhide__ = True
        for name in fields:
            if name not in FIELDS:
                known = ("topic", "count", *FIELDS)
                near = difflib.get_close_matches(name, known, 1)
                hint = f": did you mean '{near[0]}'?" if near else ""
                hint = hint or f"; it has {', '.join(known)}"
                raise TypeError(f"assert_sent has no argument '{name}'{hint}")
        if meta is not None:
            fields["meta"] = meta if isinstance(meta, str) else format_meta(meta)
        sent = self.sent
        found = [
            it.task
            for it in sent
            if it.task.type == type
            and topic in (None, it.topic)
            and all(getattr(it.task, name) == fields[name] for name in fields)
        ]
        if len(found) == count or (found and count is None):
            return found[0] if found else Task(type=type, info="")
        wanted = ", ".join([repr(type), *(f"{k}={v!r}" for k, v in fields.items())])
        where = f" to topic {topic!r}" if topic else ""
        times = "" if count is None else f" {count} times but {len(found)}"
        raise AssertionError(f"{wanted} was not sent{where}{times}{_told(sent)}")

    def assert_nothing_sent(self) -> None:
        """Fail if anything was sent."""
        __tracebackhide__ = True
        if sent := self.sent:
            raise AssertionError(f"something was sent{_told(sent)}")


def _told(sent: list[SentTask]) -> str:
    if not sent:
        return "; nothing was"
    lines = [
        f"  {it.task.type} {it.task.info!r} {it.task.meta} to {it.topic}" for it in sent
    ]
    return "; sent was:\n" + "\n".join(lines)
