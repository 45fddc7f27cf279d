"""What a program says -> an outcome. Forgiving in form, strict about the result."""

from collections.abc import Iterable
from typing import Any

import msgspec

from task_core.api.worker import Outcome, complete, failed, interrupted, retry
from task_core.task import Result, parse_meta

Meta = dict[str, str | Iterable[str]]
RESULTS = frozenset(result.value for result in Result)
SHOWN = 200
"""Characters that are shown of something that cannot be understood."""


def read_answer(line: bytes, meta: Meta) -> Outcome:
    r"""Read the line with which a program answers a task.

    Args:
        line: JSON: an object with `result` (a result, `retry` or `interrupted`; when
            missing, `complete`, or `error` if there is an `error`), `msg`, `meta` and
            `delay` (seconds, for `retry`), all of them optional; a bare string, which
            is the message of a complete task; or null. A done task fits too.
        meta: Takes the values for the task's meta.

    Example:
        >>> read_answer(b'{"result":"warn","msg":"no rows"}', {}).result
        'warn'
        >>> read_answer(b'"hello"', {}).msg
        'hello'
    """
    try:
        data = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return failed(f"the program answered no JSON but {_shown(line)}")
    if data is None or isinstance(data, str):
        return complete(data or "")
    if isinstance(data, dict):
        return _from_object(data, meta)
    return failed(f"the program answered neither object nor text but {_shown(line)}")


def read_ending(line: bytes, succeeded: bool, status: str, meta: Meta) -> Outcome:
    """Make the outcome of a program that did one task and ended.

    Args:
        line: Its last line: an object with a `result`, or plain text for the message.
        succeeded: Whether it ended with status 0.
        status: How it ended, in words.
        meta: Takes the values for the task's meta.
    """
    outcome = _object_with_result(line, meta)
    if outcome is not None and (succeeded or outcome.result != Result.COMPLETE):
        return outcome
    text = outcome.msg if outcome else line.decode(errors="replace").strip()
    if succeeded:
        return complete(text)
    return failed(f"{status}: {text}" if text else status)


def _object_with_result(line: bytes, meta: Meta) -> Outcome | None:
    try:
        data = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if isinstance(data, dict) and "result" in data:
        return _from_object(data, meta)
    return None


def _from_object(data: dict[str, Any], meta: Meta) -> Outcome:
    error = data.get("error")
    result = data.get("result") or ("error" if error else "complete")
    msg = _text(data.get("msg") or error or "")
    _add_meta(data.get("meta"), meta)
    if result == "retry":
        return retry(msg, _seconds(data.get("delay")))
    if result == "interrupted":
        return interrupted()
    if isinstance(result, str) and result in RESULTS:
        return Outcome(result, msg)
    wanted = ", ".join(sorted(RESULTS))
    return failed(f"the program answered the result {result!r}, wanted one of {wanted}")


def _add_meta(values: Any, meta: Meta) -> None:
    if isinstance(values, str):
        meta.update(parse_meta(values))
    elif isinstance(values, dict):
        meta.update({key: _texts(value) for key, value in values.items()})


def _texts(value: Any) -> str | list[str]:
    return [_text(v) for v in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _shown(line: bytes) -> str:
    text = line[: SHOWN * 4].decode(errors="replace").strip()
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
