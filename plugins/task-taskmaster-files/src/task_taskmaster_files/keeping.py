"""Files as bytes: within a group that waits, and in a manifest."""

import json
from datetime import datetime
from typing import Any

from task_taskmaster_files.file import File
from task_taskmaster_files.filling import date_text


def pack(file: File) -> bytes:
    """Return all of a file as bytes; `unpack` reads them."""
    facts = {
        **_facts(file),
        "created": file.created.isoformat() if file.created else None,
        "lines": file.lines,
        "bytes": file.bytes,
        "moment": file.moment.isoformat() if file.moment else None,
    }
    return json.dumps(facts, ensure_ascii=False).encode()


def unpack(body: bytes) -> File:
    """Return the file of some bytes."""
    facts: dict[str, Any] = json.loads(body)
    for key in ("created", "moment"):
        facts[key] = datetime.fromisoformat(facts[key]) if facts[key] else None
    return File(**facts)


def line(file: File) -> str:
    """Return the line of a file in a manifest."""
    facts = {key: value for key, value in _facts(file).items() if value is not None}
    if file.created:
        facts["created"] = date_text(file.created)
    return f"{json.dumps(facts, ensure_ascii=False)}\n"


def _facts(file: File) -> dict[str, Any]:
    return {
        "path": file.path,
        "size": file.size,
        "checksum": file.checksum,
        "version": file.version,
    }
