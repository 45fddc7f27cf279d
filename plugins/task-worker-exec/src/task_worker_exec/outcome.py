"""What a program says -> an outcome. Forgiving in form, strict about the result."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from task_core.api import (
    BusError,
    DecodeError,
    Outcome,
    Result,
    Task,
    WorkerContext,
    complete,
    decode_task,
    encode_task,
    failed,
    interrupted,
    parse_meta,
    retry,
)
from task_worker_exec.keys import Keys

RESULTS = frozenset(result.value for result in Result)
SHOWN = 200
"""Characters that are shown of something that cannot be understood."""


def read_answer(line: bytes, ctx: WorkerContext, keys: Keys) -> Outcome:
    """Read the line with which a program answers a task.

    Args:
        line: JSON: an object with `result` (a result, `retry` or `interrupted`), and
            `msg`, `meta`, `delay` (seconds, for `retry`) and `send` (child tasks) as
            wanted; an object with `error`; the done task; a bare string, which is the
            message of a complete task; or null. The task as it was sent is an echo.
        ctx: Of the task; gets the meta and the children.
        keys: Told of all that it has.
    """
    try:
        data = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return failed(f"the program answered no JSON but {_shown(line)}")
    if data is None or isinstance(data, str):
        return complete(data or "")
    if not isinstance(data, dict):
        return failed(
            f"the program answered neither object nor text but {_shown(line)}"
        )
    if data.get("result") or data.get("error"):
        keys.check(data, ctx)
        return _from_object(data, ctx, keys)
    if data == msgspec.json.decode(encode_task(ctx.task)):
        return complete()
    return failed(f"the program answered without a result: {_shown(line)}")


def read_ending(
    line: bytes, succeeded: bool, status: str, ctx: WorkerContext, keys: Keys
) -> Outcome:
    """Make the outcome of a program that did one task and ended.

    Args:
        line: Its last line: an object with a `result`, or plain text for the message.
        succeeded: Whether it ended with status 0.
        status: How it ended, in words.
        ctx: Of the task; gets the meta and the children.
        keys: Told of all that an answer has.
    """
    outcome = _object_with_result(line, ctx, keys)
    if outcome is not None and (succeeded or outcome.result != Result.COMPLETE):
        return outcome
    text = outcome.msg if outcome else line.decode(errors="replace").strip()
    if succeeded:
        return complete(text)
    return failed(f"{status}: {text}" if text else status)


def _object_with_result(line: bytes, ctx: WorkerContext, keys: Keys) -> Outcome | None:
    try:
        data = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if isinstance(data, dict) and "result" in data:
        keys.check(data, ctx)
        return _from_object(data, ctx, keys)
    return None


def _from_object(data: dict[str, Any], ctx: WorkerContext, keys: Keys) -> Outcome:
    result = data.get("result") or "error"
    msg = _text(data.get("msg") or data.get("error") or "")
    meta, delay = data.get("meta"), data.get("delay")
    if not isinstance(meta, str | Mapping | None):
        keys.tell("meta", "neither an object nor a query", ctx)
    if delay is not None and _seconds(delay) is None:
        keys.tell("delay", "no number of seconds", ctx)
    _add_meta(meta, ctx)
    try:
        children = list(_children(data.get("send")))
    except DecodeError as error:
        return failed(f"the program sends what is no task: {error}")
    if result == "retry":
        return retry(msg, _seconds(delay))
    if result == "interrupted":
        return interrupted()
    if not isinstance(result, str) or result not in RESULTS:
        wanted = ", ".join(sorted(RESULTS))
        text = f"the program answered the result {result!r}, wanted one of {wanted}"
        return failed(text)
    try:
        for task, topic in children:
            ctx.send(task, topic)
    except (DecodeError, BusError) as error:
        return failed(f"a task that the program sends is refused: {error}")
    return Outcome(result, msg)


def _children(values: Any) -> Iterator[tuple[Task, str | None]]:
    """Yield the child tasks of an answer: as on the wire, `topic` beside the rest."""
    if values is None:
        return
    for value in values if isinstance(values, list) else [values]:
        if not isinstance(value, dict):
            raise DecodeError(f"no object but {_shown(msgspec.json.encode(value))}")
        topic = value.pop("topic", None)
        if not isinstance(topic, str | None):
            raise DecodeError(f"topic must be text, not {topic!r}")
        yield decode_task(msgspec.json.encode(value)), topic


def _add_meta(values: Any, ctx: WorkerContext) -> None:
    if isinstance(values, str):
        ctx.meta.update(parse_meta(values))
    elif isinstance(values, Mapping):
        ctx.meta.update({key: _texts(value) for key, value in values.items()})


def _texts(value: Any) -> str | list[str]:
    return [_text(v) for v in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _shown(line: bytes) -> str:
    text = line[: SHOWN * 4].decode(errors="replace").strip()
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
