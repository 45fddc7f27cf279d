"""`task send`: create tasks."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO

import click

from task_core.api.bus import Producer, Role
from task_core.api.message import Message
from task_core.cli.bus_option import SECTION
from task_core.cli.buses import open_selected
from task_core.cli.command import PluginCommand
from task_core.cli.render import Counter
from task_core.cli.stdout import claim_stdout
from task_core.config.selection import Settings
from task_core.errors import BusError, DecodeError, UsageError
from task_core.shown import shown
from task_core.task import Task, format_meta, parse_date
from task_core.values import parse_duration
from task_core.wire import decode_task, encode_task

CHUNK = 1 << 16
"""Bytes of stdin that are sent together, at most."""

HELP = """Send a task, or many from stdin.

TYPE is the task's type, and its topic unless --topic says otherwise; INFO is what to
work on. With '-' in place of TYPE, tasks are read as JSON lines from stdin. Without
--bus the tasks are printed, to be piped into 'task launch'.

\b
Examples:
  task send hello World | task launch --worker hello
  task send load 's3://bucket/a.csv?table=sales' --meta file=a.csv --job daily
  task send - --bus file --topic tasks.json < more.json
"""


def _run(
    settings: Settings,
    words: tuple[str, ...],
    topic: str | None,
    delay: str | None,
    at: str | None,
    **fields: Any,
) -> int:
    _check(words, fields)
    seconds = _seconds(delay, at)
    bus = open_selected(settings.buses["bus"], Role.OUT, claim_stdout())
    try:
        producer = bus.producer()
        if words[0] == "-":
            return _send_lines(sys.stdin.buffer, producer, topic, seconds)
        task = _task(words, **fields)
        message = Message(topic or task.type, encode_task(task), delay=seconds)
        producer.send([message])
        return 0
    finally:
        bus.close()


def _check(words: tuple[str, ...], fields: Mapping[str, Any]) -> None:
    """Refuse what would be overlooked silently."""
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


def _seconds(delay: str | None, at: str | None) -> float:
    """Return the seconds that a task has to wait."""
    if delay and at:
        raise UsageError("--delay and --at: give one of them")
    flag = "--delay" if delay else "--at"
    try:
        if at:
            return max(0.0, parse_date(at).timestamp() - time.time())
        return max(0.0, parse_duration(delay).total_seconds()) if delay else 0.0
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


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
    stream: BinaryIO, producer: Producer, topic: str | None, delay: float
) -> int:
    """Send the lines of a stream; report those that are no tasks, and go on."""
    sent, bad, counter = 0, 0, Counter("sent")
    try:
        for batch in _batches(stream):
            messages = list(_messages(batch, topic, delay))
            good = [message for message in messages if message is not None]
            bad += len(messages) - len(good)
            producer.send(good)
            sent += len(good)
            counter.show(sent)
    except BusError:
        click.echo(f"task: {sent:,} sent before this:", err=True)
        raise
    finally:
        counter.clear()
    if bad:
        click.echo(f"task: {sent:,} sent, {bad:,} refused", err=True)
    return 1 if bad else 0


def _batches(stream: BinaryIO) -> Iterator[list[tuple[int, bytes]]]:
    """Yield numbered lines, those that are there already, without waiting for more."""
    number, rest = 1, b""
    chunks = iter(lambda: stream.read1(CHUNK), b"")  # type: ignore[attr-defined]
    for chunk in chain(chunks, (b"\n",)):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield list(enumerate(lines, number))
        number += len(lines)


def _messages(
    batch: Iterable[tuple[int, bytes]], topic: str | None, delay: float
) -> Iterator[Message | None]:
    for number, line in batch:
        body = line.strip()
        if not body:
            continue
        try:
            task = decode_task(body)
        except DecodeError as error:
            click.echo(f"task: line {number}: {shown(str(error))}", err=True)
            yield None
        else:
            yield Message(topic or task.type, body, delay=delay)


command = PluginCommand(
    name="send",
    section=SECTION,
    run=_run,
    help=HELP,
    params=[
        click.Argument(["words"], nargs=-1, required=True, metavar="TYPE [INFO]"),
        click.Option(["-t", "--topic"], help="Topic; the task's type if not given."),
        click.Option(["--job"], help="Sub-kind of the type."),
        click.Option(
            ["--meta"], multiple=True, metavar="KEY=VALUE", help="Put into the meta."
        ),
        click.Option(["--id"], help="Id of the task; a random one if not given."),
        click.Option(
            ["--delay"],
            metavar="DURATION",
            help="Arrive not before, for example 10s or 1h (where the bus can).",
        ),
        click.Option(
            ["--at"],
            metavar="TIME",
            help="Arrive not before a time, for example 2026-12-01T08:00:00Z.",
        ),
    ],
)
