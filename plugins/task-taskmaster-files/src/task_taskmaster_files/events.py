"""Messages about files: statistics of Go's workers, notifications of storages."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from task_core.api import DecodeError
from task_taskmaster_files.file import File

_GONE = "ObjectRemoved"


def read_event(body: bytes) -> list[File]:
    """Return the files that a message tells of; none when it is about something else.

    Raises:
        DecodeError: It tells of no file.

    Example:
        >>> read_event(b'{"path":"/in/a.csv","size":3}')[0].path
        '/in/a.csv'
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise DecodeError("no JSON") from None
    if not isinstance(data, dict):
        raise DecodeError("no object of JSON")
    files = _files(data)
    for file in files:
        _check_text(file.path, file.version)
    return files


def _files(data: Mapping[str, Any]) -> list[File]:
    if isinstance(data.get("Records"), list):
        return [file for record in data["Records"] for file in _of_s3(record)]
    if data.get("id") and data.get("name"):
        return _of_gcs(data)
    if data.get("isDir"):
        return []
    if not isinstance(data.get("path"), str) or not data["path"]:
        raise DecodeError("no `path` of a file, no notification of GCS or S3")
    return [_of_stats(data)]


def _of_stats(data: Mapping[str, Any]) -> File:
    created, size = _text(data, "created"), _number(data, "size")
    checksum = _text(data, "checksum")
    return File(
        path=data["path"],
        version=f"{checksum or '-'}-{size or 0}-{created}",
        size=size,
        checksum=checksum,
        created=_moment(created),
        lines=_number(data, "linecnt"),
        bytes=_number(data, "bytecnt"),
    )


def _of_gcs(data: Mapping[str, Any]) -> list[File]:
    if data.get("timeDeleted"):
        return []
    created = _text(data, "timeCreated")
    file = File(
        path=f"gs://{_text(data, 'bucket')}/{_text(data, 'name')}",
        version=_text(data, "generation") or _text(data, "etag") or created,
        size=_number(data, "size"),
        checksum=_text(data, "md5Hash"),
        created=_moment(created),
    )
    return [] if file.path.endswith("/") else [file]


def _of_s3(record: Any) -> list[File]:
    try:
        if record["eventName"].removeprefix("s3:").startswith(_GONE):
            return []
        name, thing = record["s3"]["bucket"]["name"], record["s3"]["object"]
        path = f"s3://{name}/{unquote_plus(thing['key'])}"
    except (LookupError, TypeError, AttributeError):
        raise DecodeError("a record that is none of S3") from None
    created = _text(record, "eventTime")
    version = _text(thing, "versionId") or _text(thing, "eTag") or created
    file = File(
        path=path,
        version=version,
        size=_number(thing, "size"),
        checksum=_text(thing, "eTag"),
        created=_moment(created),
    )
    return [] if path.endswith("/") else [file]


def _check_text(path: str, version: str) -> None:
    """Refuse what no storage has, and no database keeps."""
    text = f"{path}{version}"
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DecodeError("a path or a version that is no UTF-8") from None
    if "\0" in text:
        raise DecodeError("a path or a version with a NUL in it")


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)


def _number(data: Mapping[str, Any], key: str) -> int | None:
    try:
        return int(data[key])
    except (LookupError, TypeError, ValueError, OverflowError):  # JSON has 1e999
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # none, or beyond the calendar
        return None
