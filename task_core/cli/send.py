"""`task send`: create tasks."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any, BinaryIO

import attrs
import click

from task_core.api.bus import Role
from task_core.api.message import Message
from task_core.api.part import Sender
from task_core.cli.buses import open_selected
from task_core.cli.command import PluginCommand
from task_core.cli.command_options import SEND, SendOptions
from task_core.cli.hooks import ToldSender, load_hooks
from task_core.cli.render import Counter
from task_core.cli.stdout import claim_stdout
from task_core.cli.waiting import Waiting, patience
from task_core.config.selection import Settings
from task_core.errors import BusError, DecodeError, PayloadError, UsageError
from task_core.shown import shown
from task_core.task import Task, format_meta, parse_date, topic_of
from task_core.wire import decode_task, encode_task

CHUNK = 1 << 16
"""Bytes of stdin that are sent together, at most."""

HELP = """Send a task, or many from stdin.

TYPE is the task's type, and its topic unless --topic says otherwise; INFO is what to
work on. With '-' in place of TYPE, tasks are read as JSON lines from stdin. Without
--bus the tasks are printed, to be piped into 'task launch'.

With --wait, each done task is printed; the exit code is 1 if one failed or is late. A
task of stdin without an id gets one.

\b
Examples:
  task send hello World | task launch --worker hello
  task send load 's3://bucket/a.csv?table=sales' --meta file=a.csv --job daily
  task send - --bus file --topic tasks.json < more.json
  task send load s3://bucket/a.csv --bus sqlite --wait 30s
"""


@attrs.frozen(kw_only=True, eq=False)
class Envelope:
    """Where tasks go, when, and what they overtake.

    Args:
        topic: The task's type when empty.
        delay: Seconds to arrive not before.
        priority: Higher arrives first.
    """

    topic: str
    delay: float
    priority: int

    def around(self, task_type: str, body: bytes) -> Message:
        """Return the message with a task in it."""
        topic = self.topic or task_type
        return Message(topic, body, delay=self.delay, priority=self.priority)


def _run(
    settings: Settings,
    words: tuple[str, ...],
    at: str | None,
    wait: str | None,
    **fields: Any,
) -> int:
    _check(words, fields)
    seconds = None if wait is None else patience(wait)
    options: SendOptions = settings.command
    envelope = Envelope(
        topic=options.topic or "",
        delay=_seconds(options.delay, at),
        priority=options.priority,
    )
    from_stdin = words[0] == "-"
    if from_stdin and sys.stdin is None:
        raise UsageError("with - the tasks come from stdin, which is closed")
    if from_stdin and sys.stdin.isatty():
        click.echo("task: reading tasks, one JSON line each, to Ctrl-D", err=True)
    role, stdout = Role.OUT if wait is None else Role.BOTH, claim_stdout()
    bus = open_selected(settings.buses["bus"], role, stdout)
    waiting: Waiting | None = None
    try:
        if seconds is not None:
            topic = options.done_topic
            waiting = Waiting(bus, topic, stdout, seconds, count=from_stdin)
        unique = options.unique.total_seconds() if options.unique else None
        hooks = load_hooks(
            settings.catalog, toml=settings.toml, sends_once=unique is not None
        )
        producer = ToldSender(bus.producer(), hooks, unique)
        code = 0
        if from_stdin:
            code = _send_lines(sys.stdin.buffer, producer, envelope, waiting)
        else:
            _send_one(_task(words, **fields), producer, envelope, waiting)
        return (waiting.finish() or code) if waiting else code
    finally:
        if waiting:
            waiting.clear()
        bus.close()


def _send_one(
    task: Task, producer: Sender, envelope: Envelope, waiting: Waiting | None
) -> None:
    body = encode_task(task)
    if waiting:
        body = waiting.expect(task, body)
    producer.send([envelope.around(task.type, body)])


def _check(words: tuple[str, ...], fields: Mapping[str, Any]) -> None:
    """Refuse what would be overlooked silently."""
    if not words:
        raise UsageError(
            "say what to send: TYPE and INFO, or - for tasks as JSON lines from stdin"
        )
    if words[2:]:
        quoted = " ".join(words[1:])
        raise UsageError(f"one INFO is wanted: put it in quotes: '{quoted}'")
    if not words[0]:
        raise UsageError("TYPE is empty: say what the task is, for example hello")
    if words[0] != "-":
        return
    extra = [f"--{name}" for name, value in fields.items() if value]
    if extra := [*words[1:], *extra]:
        raise UsageError(f"with - the tasks come from stdin: leave out {extra[0]}")


def _seconds(delay: timedelta | None, at: str | None) -> float:
    """Return the seconds that a task has to wait."""
    if delay is not None and at:
        raise UsageError("--delay and --at: give one of them")
    if delay is not None:
        return delay.total_seconds()
    try:
        return max(0.0, parse_date(at).timestamp() - time.time()) if at else 0.0
    except ValueError as error:
        raise UsageError(f"--at: {error}") from None


def _task(
    words: tuple[str, ...], job: str | None, meta: Sequence[str], id: str | None
) -> Task:
    pairs: dict[str, list[str]] = {}
    for pair in meta:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--meta: not key=value: {pair!r}")
        pairs.setdefault(key, []).append(value)
    task = Task.new(
        words[0],
        words[1] if words[1:] else "",
        job=job or "",
        meta=format_meta(pairs),
        id=id,
    )
    return decode_task(encode_task(task))  # what we send, everybody must read


def _send_lines(
    stream: BinaryIO, producer: Sender, envelope: Envelope, waiting: Waiting | None
) -> int:
    """Send the lines of a stream; report those that are no tasks, and go on."""
    sent, bad, counter = 0, 0, Counter("sent")
    chunks = waiting.chunks(stream, CHUNK) if waiting else _chunks(stream)
    try:
        for batch in _batches(chunks):
            lines = list(_messages(batch, envelope, waiting))
            good = [(number, message) for number, message in lines if message]
            done = _send(producer, good, waiting)
            sent += done
            bad += len(lines) - done
            if not waiting:
                counter.show(sent)
    except BusError:
        click.echo(f"task: {sent:,} sent before this:", err=True)
        raise
    finally:
        counter.clear()
    if bad:
        click.echo(f"task: {sent:,} sent, {bad:,} refused", err=True)
    return 1 if bad else 0


def _send(
    producer: Sender, lines: Sequence[tuple[int, Message]], waiting: Waiting | None
) -> int:
    """Send what the bus takes, and return how much that was; report the rest."""
    try:
        producer.send([message for _, message in lines])
    except PayloadError as error:
        refused = frozenset(error.refused)
        if not refused:
            raise
        _report(lines[min(refused)][0], error, len(refused) - 1)
        if waiting:
            for at in refused:
                waiting.forget(lines[at][1].body)
        rest = [line for at, line in enumerate(lines) if at not in refused]
        return _send(producer, rest, waiting)
    return len(lines)


def _report(number: int, error: Exception, others: int = 0) -> None:
    lines = "line" if others == 1 else "lines"
    more = f" (and {others:,} more {lines} like it)" if others else ""
    click.echo(f"task: line {number}: {shown(str(error))}{more}", err=True)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read1(CHUNK), b"")  # type: ignore[attr-defined]


def _batches(chunks: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Yield numbered lines, those that are there already, without waiting for more."""
    number = 1
    pieces: list[bytes] = []  # of a line that has not ended
    for chunk in chain(chunks, (b"\n",)):
        first, *lines = chunk.split(b"\n")
        pieces.append(first)
        if not lines:
            continue
        ready = [b"".join(pieces), *lines[:-1]]
        pieces = [lines[-1]]
        yield list(enumerate(ready, number))
        number += len(ready)


def _messages(
    batch: Iterable[tuple[int, bytes]], envelope: Envelope, waiting: Waiting | None
) -> Iterator[tuple[int, Message | None]]:
    for number, line in batch:
        body = line.strip()
        if not body:
            continue
        try:
            task = decode_task(body)
            kind = task.type if envelope.topic else topic_of(task)
        except DecodeError as error:
            _report(number, error)
            yield number, None
        else:
            body = waiting.expect(task, body) if waiting else body
            yield number, envelope.around(kind, body)


command = PluginCommand(
    name="send",
    section=SEND,
    run=_run,
    help=HELP,
    params=[
        click.Argument(["words"], nargs=-1, metavar="TYPE [INFO]"),
        click.Option(["--job"], help="Sub-kind of the type."),
        click.Option(
            ["--meta"], multiple=True, metavar="KEY=VALUE", help="Put into the meta."
        ),
        click.Option(["--id"], help="Id of the task; a random one if not given."),
        click.Option(
            ["--at"],
            metavar="TIME",
            help="Arrive not before a time, for example 2026-12-01T08:00:00Z.",
        ),
        click.Option(
            ["--wait"],
            is_flag=False,
            flag_value="",
            metavar="[DURATION]",
            help="Print the done tasks; wait for them at most so long.",
        ),
    ],
)
