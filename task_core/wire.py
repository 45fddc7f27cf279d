"""JSON bytes <-> `Task`, byte for byte as the Go system writes them.

Rules: keys in the order of `Task`'s fields, compact, empty values left out except
`type` and `info`, nothing escaped for HTML, the two JavaScript line separators
escaped. Reading forgives what Go forgives: keys in any case, unknown keys, null.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from task_core.errors import DecodeError, half_character
from task_core.task import Task, parse_date

_ZERO = datetime(1, 1, 1, tzinfo=UTC)
_FIELDS = frozenset(Task.__struct_fields__)
# Not compiled: only odd tasks need them, and `re` keeps those in use.
_FRACTION = r"\.\d*[1-9]"  # one that is finer than a microsecond
_SURROGATE = "[\ud800-\udfff]"
_HALF_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u)"
_KINDS = {b'"': "a string", b"{": "an object", b"[": "an array", b"n": "null"}
_KINDS |= dict.fromkeys((b"t", b"f"), "a boolean")
_encoder = msgspec.json.Encoder()
_encode = _encoder.encode
_decode = msgspec.json.Decoder(Task).decode  # refuses unknown keys: see _decode_slowly
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


def encode_task(task: Task) -> bytes:
    """Write a task as one line of JSON, without the newline.

    Example:
        >>> encode_task(Task(type="hello", info="a<b"))
        b'{"type":"hello","info":"a<b"}'
    """
    try:
        body = _encode(task)
    except (
        UnicodeEncodeError,  # a lone surrogate, for example in a worker's message
        TypeError,  # text of a class of its own: markupsafe, numpy and bs4 make such
    ):
        body = _encode(_of_plain_text(task))
    return _escaped(body)


def encode_tasks(tasks: Sequence[Task]) -> Sequence[bytes]:
    """Write many tasks, each as `encode_task` does: in half of the time.

    Example:
        >>> encode_tasks([Task(type="a", info=""), Task(type="b", info="")])
        [b'{"type":"a","info":""}', b'{"type":"b","info":""}']
    """
    try:
        lines = _encoder.encode_lines(tasks)
    except (UnicodeEncodeError, TypeError):
        return [encode_task(task) for task in tasks]
    return _escaped(lines).split(b"\n")[:-1]  # JSON holds no newline of its own


def _escaped(body: bytes) -> bytes:
    """Escape U+2028 and U+2029, as Go does."""
    if b"\xe2" in body and b"\xe2\x80" in body:  # one byte is found much faster
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
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        task = _decode_slowly(body)
    try:
        if task.created:
            task.created = _checked_date(task.created)
        if task.started:
            task.started = _checked_date(task.started)
        if task.ended:
            task.ended = _checked_date(task.ended)
    except ValueError:
        raise DecodeError(_bad_date(task)) from None
    return task


def encode_readable(task: Task) -> tuple[bytes, Task]:
    """Write a task that everybody can read again; return the copy that was read, too.

    Raises:
        DecodeError: Nobody could: a field holds no text, or half a character, or a date
            is none.

    Example:
        >>> encode_readable(Task(type="hello", info="world"))[0]
        b'{"type":"hello","info":"world"}'
    """
    body = encode_task(task)
    copy = decode_task(body)
    if copy != task:  # bytes and dates became text that nobody has written
        for name in _FIELDS:
            if not isinstance(value := getattr(task, name), str):
                kind = type(value).__name__
                raise DecodeError(f"`{name}` must be a string, not {kind}: {value!r}")
            if re.search(_SURROGATE, value):
                raise DecodeError(f"`{name}`: {half_character(value)}")
    return body, copy


def decode_tasks(bodies: Sequence[bytes]) -> list[Task]:
    """Read many tasks, each as `decode_task` does: in two thirds of the time.

    Raises:
        DecodeError: Some of the bytes are no task.

    Example:
        >>> decode_tasks([b'{"type":"a","info":""}'])[0].type
        'a'
    """
    try:
        tasks = [*map(_decode, bodies)]
        dates = {task.created for task in tasks}
        dates.update([task.started for task in tasks], [task.ended for task in tasks])
        if all(_checked_date(date) == date for date in dates if date):
            return tasks
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    return [decode_task(body) for body in bodies]


@lru_cache(maxsize=4096)
def _checked_date(text: str) -> str:
    """Return the date as it was written; the zero date counts as none, as in Go."""
    zero = parse_date(text) == _ZERO and not re.search(_FRACTION, text)
    return "" if zero else text


def _bad_date(task: Task) -> str:
    for name in ("created", "started", "ended"):
        text = getattr(task, name)
        try:
            if text:
                _checked_date(text)
        except ValueError as error:
            return f"`{name}` is {error}"
    raise AssertionError("all dates are good")


def _decode_slowly(body: bytes) -> Task:
    """Read what the fast path refuses, or say precisely what is wrong with it."""
    fields: dict[str, str] = {}
    unclear = False
    for key, value in _members(body).items():
        name = key.lower().replace("\u017f", "s")  # Go takes the long s for an s
        if name in _FIELDS:
            unclear = unclear or name in fields
            if bytes(value).startswith(b"n"):
                unclear = True
            else:
                fields[name] = _text(name, bytes(value))
    if unclear:
        fields |= _in_order(body)
    for name in ("type", "info"):
        if name not in fields:
            raise DecodeError(f"`{name}` is missing")
    return Task(**fields)


def _in_order(body: bytes) -> dict[str, str]:
    """Return what each key says last, in any case; null changes nothing."""
    # The only cases for which msgspec tells too little.
    import json  # noqa: PLC0415

    found: dict[str, str] = {}
    try:
        pairs = json.loads(body, object_pairs_hook=list)
    except (ValueError, RecursionError):  # a number or a depth in an unknown key
        return found
    for key, value in pairs:
        name = key.lower().replace("\u017f", "s")
        if name in _FIELDS and isinstance(value, str):
            found[name] = _text(name, json.dumps(value).encode())
    return found


def _members(body: bytes) -> Mapping[str, msgspec.Raw]:
    try:
        return _decode_object(body)
    except UnicodeDecodeError:
        raise DecodeError("a key is not UTF-8") from None
    except RecursionError:
        raise DecodeError("not a task: nested too deeply") from None
    except msgspec.ValidationError:
        raise DecodeError(f"not a JSON object but {_kind(body)}") from None
    except msgspec.DecodeError as error:
        raise DecodeError(f"not JSON: {_malformed(body, error)}") from None


def _malformed(body: bytes, error: msgspec.DecodeError) -> str:
    if not body.strip():
        return "no bytes but blanks"
    if body.startswith(codecs.BOM_UTF8):
        return "it starts with a byte order mark"
    text = str(error).removeprefix("JSON is malformed: ")
    if "surrogate" in text or re.search(_HALF_PAIR, body):
        return "half of a surrogate pair"
    return text


def _text(name: str, value: bytes) -> str:
    try:
        return _decode_text(value)
    except UnicodeDecodeError as error:
        raise DecodeError(f"`{name}` is not UTF-8: {error.reason}") from None
    except msgspec.ValidationError:
        text = f"`{name}` must be a string, not {_kind(value)}"
        raise DecodeError(text) from None
    except msgspec.DecodeError:
        raise DecodeError(f"`{name}` has an escape that is no character") from None


def _kind(value: bytes) -> str:
    return _KINDS.get(value.lstrip()[:1], "a number")


def _of_plain_text(task: Task) -> Task:
    fields = msgspec.structs.asdict(task)
    return Task(**{key: plain_text(text) for key, text in fields.items()})


def plain_text(text: str) -> str:
    """Return text as it is written: of no class of its own, nothing without bytes.

    Example:
        >>> plain_text("soup" + chr(0xD800))
        'soup\ufffd'
    """
    text = str.__str__(text)
    return text if text.isascii() else re.sub(_SURROGATE, "\ufffd", text)
