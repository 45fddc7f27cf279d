"""Tasks as lines, and lines as tasks."""

import json
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "task")
"""The installed command."""


def line(type: str, info: str = "") -> bytes:
    """Return a task as a line."""
    return json.dumps({"type": type, "info": info}).encode() + b"\n"


def lines(output: bytes) -> list[dict[str, str]]:
    """Return the JSON objects of an output."""
    return [json.loads(text) for text in output.splitlines()]


def dead(stderr: bytes) -> list[dict[str, str]]:
    """Return the dead letters among the lines of stderr."""
    return [json.loads(x) for x in stderr.splitlines() if x.startswith(b'{"reason"')]
