"""JSON bytes <-> `Task`, byte for byte as the Go system writes them.

Rules: keys in the order of `Task`'s fields, compact, empty values left out except
`type` and `info`, nothing escaped for HTML, the two JavaScript line separators
escaped. Reading forgives what Go forgives: keys in any case, unknown keys, null.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from task_core.errors import DecodeError
from task_core.task import Task, parse_date


_ZERO = datetime(1, 1, 1, tzinfo=UTC)
_FIELDS = frozenset(Task.__struct_fields__)
_DATES = ("created", "started", "ended")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Task).decode  # refuses unknown keys: see _decode_slowly
_decode_any = msgspec.json.Decoder().decode


def encode_task(task: Task) -> bytes:
    """Write a task as one line of JSON, without the newline.

    Example:
        >>> encode_task(Task(type="hello", info="a<b"))
        b'{"type":"hello","info":"a<b"}'
    """
    try:
        body = _encode(task)
    except UnicodeEncodeError:  # a lone surrogate, for example in a worker's message
        body = _encode(_without_surrogates(task))
    if b"\xe2\x80" in body:  # U+2028 and U+2029, which Go escapes
        body = body.replace(b"\xe2\x80\xa8", rb"\u2028")
        body = body.replace(b"\xe2\x80\xa9", rb"\u2029")
    return body


def decode_task(body: bytes) -> Task:
    """Read a task from JSON.

    Raises:
        DecodeError: The bytes are no task; the text says why, in one line.

    Example:
        >>> decode_task(b'{"Type":"hello","info":"world"}').type
        'hello'
    """
    try:
        task = _decode(body)
    except (ValueError, RecursionError):
        task = _decode_slowly(body)
    if task.created:
        task.created = _checked_date("created", task.created)
    if task.started:
        task.started = _checked_date("started", task.started)
    if task.ended:
        task.ended = _checked_date("ended", task.ended)
    return task


def _decode_slowly(body: bytes) -> Task:
    """Read what the fast path refuses, or say precisely what is wrong with it."""
    try:
        data = _decode_any(body)
    except UnicodeDecodeError as error:
        raise DecodeError(f"not UTF-8: {error.reason}") from None
    except RecursionError:
        raise DecodeError("not a task: nested too deeply") from None
    except msgspec.DecodeError as error:
        raise DecodeError(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise DecodeError(f"not a JSON object but {_kind(data)}")
    fields = {
        name: value
        for key, value in data.items()
        if (name := key.lower()) in _FIELDS and value is not None
    }
    _check_fields(fields)
    return Task(**fields)


def _check_fields(fields: dict[str, Any]) -> None:
    for name in ("type", "info"):
        if name not in fields:
            raise DecodeError(f"`{name}` is missing")
    for name, value in fields.items():
        if not isinstance(value, str):
            raise DecodeError(f"`{name}` must be a string, not {_kind(value)}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")


@lru_cache(maxsize=4096)
def _checked_date(name: str, text: str) -> str:
    """Return the date as it was written; the zero date counts as none, as in Go."""
    try:
        moment = parse_date(text)
    except ValueError:
        raise DecodeError(f"`{name}` is no RFC 3339 date: {text[:40]!r}") from None
    return "" if moment == _ZERO else text


def _without_surrogates(task: Task) -> Task:
    return Task(
        **{
            name: value.encode("utf-8", "replace").decode("utf-8")
            for name, value in msgspec.structs.asdict(task).items()
        }
    )
