"""Keys of requests: who repeats one is answered as the first was, and sends nothing."""

import hashlib

import attrs
import msgspec
from task_store import key_of

from task_core.api import Task, encode_task
from task_taskmaster_http.problem import RequestError

HEADER = "Idempotency-Key"
LONGEST = 200


@attrs.frozen
class Key:
    """What a request shares with those that repeat it.

    Args:
        text: What the store knows it by.
        header: Which header gave it, for people.
        asked: What tells the request from others, where templates make its tasks anew
            each time, with the time or `{uuid}`; empty: its tasks do.
    """

    text: str
    header: str
    asked: str = ""


class Mark(msgspec.Struct):
    """What is kept with each claim of a request that has `asked`.

    Args:
        asked: As in its key.
        count: How many tasks the request had: templates may make more of it later.
    """

    asked: str = ""
    count: int = 0


def read_key(
    guest: str, given: str | None, *, header: str = HEADER, asked: str = ""
) -> Key | None:
    """Return the key of a request, or None; two guests may give the same.

    Args:
        guest: Who asks.
        given: What the header says.
        header: Its name.
        asked: See `Key`.

    Raises:
        RequestError: It is empty, or too long.
    """
    if given is None:
        return None
    if not 0 < len(given) <= LONGEST:
        text = f"the header {header} has 1 to {LONGEST} characters"
        raise RequestError(400, text)
    return Key(key_of("http", guest, given), header, asked)


def digest(value: object) -> str:
    """Return what tells a value of JSON from others, whatever the order of its keys."""
    text = msgspec.json.encode(value, order="deterministic")
    return hashlib.sha256(text).hexdigest()


def marked(task: Task, mark: Mark) -> bytes:
    """Return the bytes of a task with a mark: readers of tasks pass over its keys."""
    body = encode_task(task)
    if not mark.asked:
        return body
    return body[:-1] + b"," + msgspec.json.encode(mark)[1:]


def read_mark(body: bytes) -> Mark:
    """Return the mark of a claim; an empty one where there is none."""
    return msgspec.json.decode(body, type=Mark)
