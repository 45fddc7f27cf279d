"""`task send`: create tasks."""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import click

from task_core.api.bus import Role
from task_core.api.ending import closed_when_told
from task_core.api.part import Sender
from task_core.cli.buses import open_selected
from task_core.cli.command import PluginCommand
from task_core.cli.command_options import SEND, SendOptions
from task_core.cli.hooks import ToldSender, hooks_of
from task_core.cli.lines import Envelope, messages_of, send_lines
from task_core.cli.logs import LogLevel, set_up_logging
from task_core.cli.stdout import claim_stdout, tell
from task_core.cli.waiting import Waiting, patience
from task_core.config.selection import Settings
from task_core.errors import DecodeError, UsageError
from task_core.task import Task, format_meta, parse_moment
from task_core.wire import decode_task, encode_task

HELP = """Send a task, or many from stdin.

TYPE is the task's type, and its topic unless --topic says otherwise; INFO is what to
work on. With '-' in place of TYPE, tasks are read as JSON lines from stdin; with '-' in
place of INFO, each line is one. Without --bus the tasks are printed, to be piped into
'task launch'.

With --wait, each done task is printed; the exit code is 1 if one failed or is late. A
task of stdin without an id gets one.

\b
Examples:
  task send hello World | task launch --worker hello
  task send load 's3://bucket/a.csv?table=sales' --meta file=a.csv --job daily
  task send - --bus file --topic tasks.json < more.json
  ls /data/*.csv | task send load - --bus sqlite
  task send load s3://bucket/a.csv --bus sqlite --wait 30s
"""


@closed_when_told()  # --wait reads on a channel of its own
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
    from_stdin = "-" in words
    if from_stdin and sys.stdin is None:
        raise UsageError("with - the tasks come from stdin, which is closed")
    if from_stdin and sys.stdin.isatty():
        what = "tasks, one JSON line each" if words[0] == "-" else "infos, one a line"
        tell(f"task: reading {what}, to Ctrl-D")
    set_up_logging(LogLevel.WARNING, times=False)
    hooks = hooks_of(settings, sends_once=options.unique is not None)
    role, stdout = Role.OUT if wait is None else Role.BOTH, claim_stdout()
    bus = open_selected(settings.buses["bus"], role, stdout)
    waiting: Waiting | None = None
    try:
        if seconds is not None:
            topic = options.done_topic
            waiting = Waiting(bus, topic, stdout, seconds, count=from_stdin)
        unique = None if options.unique is None else options.unique.total_seconds()
        producer = ToldSender(bus.producer(), hooks, unique)
        code = 0
        if from_stdin:
            read = _read_task if words[0] == "-" else partial(_read_info, words, fields)
            lines = partial(messages_of, read, envelope, waiting)
            code = send_lines(sys.stdin.buffer, producer, lines, waiting)
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
        if "-" in words and fields["id"]:
            raise UsageError("--id: of many tasks each has its own; leave it out")
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
        return max(0.0, parse_moment(at).timestamp() - time.time()) if at else 0.0
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


def _read_task(line: bytes) -> tuple[Task, bytes]:
    """Return the task of a line of JSON, and the line: it is sent as it is."""
    return decode_task(line), line


def _read_info(
    words: Sequence[str], fields: Mapping[str, Any], line: bytes
) -> tuple[Task, bytes]:
    if line.startswith(b"\xef\xbb\xbf"):  # as of JSON: nobody means it as text
        raise DecodeError("it starts with a byte order mark")
    try:
        task = _task((words[0], line.decode()), **fields)
    except UnicodeDecodeError as error:
        raise DecodeError(f"not UTF-8: {error.reason}") from None
    return task, encode_task(task)


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
