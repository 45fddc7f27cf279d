"""Bodies of requests, read into tasks."""

import attrs
import msgspec

from task_core.api import Clock, Task
from task_taskmaster_http.mistakes import find_mistake, place_in
from task_taskmaster_http.problem import RequestError

JSON = ("application/json",)
LINES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")


class NewTask(msgspec.Struct, forbid_unknown_fields=True):
    """A task as a request tells it.

    Args:
        type, job, info: As in a task.
        meta: A query string, or keys and values.
        id: A new one when empty.
        created: Now when empty.
        topic: Where to; the type when empty.
    """

    type: str
    job: str = ""
    info: str = ""
    meta: str | dict[str, str | list[str]] = ""
    id: str = ""
    created: str = ""
    topic: str = ""


@attrs.frozen
class Parcel:
    """A task, and where it goes.

    Args:
        task, topic: Both.
    """

    task: Task
    topic: str


@attrs.frozen(kw_only=True)
class Plan:
    """What a request for a backload comes to.

    Args:
        parcels: Its tasks, in the order in which they are to be sent.
        notes: What was assumed.
        execute: Whether they are to be sent.
        asked: What tells the request from others.
    """

    parcels: list[Parcel]
    notes: str
    execute: bool
    asked: str


_one_or_many: msgspec.json.Decoder[NewTask | list[NewTask]] = msgspec.json.Decoder(
    NewTask | list[NewTask]
)
_lines = msgspec.json.Decoder(NewTask)


def read_tasks(
    body: bytes, content_type: str, topic: str, most: int, clock: Clock
) -> tuple[list[Parcel], bool]:
    """Read the tasks of a request.

    Args:
        body: One task, a list of tasks, or one in each line.
        content_type: Which of these.
        topic: For those that name none.
        most: How many there may be.
        clock: For their dates.

    Returns:
        Them, and whether it is a list.

    Raises:
        RequestError: Something is wrong with it; nothing of it is sent.
    """
    kind = content_type.partition(";")[0].strip().lower()
    found = _decoded(body, kind)
    many = not isinstance(found, NewTask)
    items = found if isinstance(found, list) else [found]
    if not items:
        raise RequestError(422, "there is no task in it")
    if len(items) > most:
        text = f"{len(items):,} tasks are too many for one request: at most {most:,}"
        raise RequestError(413, text)
    parcels = list[Parcel]()
    for number, item in enumerate(items, 1):
        try:
            parcels.append(_parcel(item, topic, clock))
        except ValueError as error:
            where = f"task {number}: " if many else ""
            if kind in LINES:
                where = f"{place_in(body, number, len(items))}: "
            raise RequestError(422, f"{where}{error}") from None
    return parcels, many


def check_topic(topic: str) -> str:
    """Return a topic as it is.

    Raises:
        ValueError: It is none.
    """
    if not topic.strip():
        raise ValueError("it is empty")
    if "/" in topic and (topic[0] == "/" or ".." in topic.split("/")):
        raise ValueError("it would lead out of the folder of a bus of files")
    return topic


def _decoded(body: bytes, kind: str) -> NewTask | list[NewTask]:
    try:
        if kind in JSON:
            return _one_or_many.decode(body)
        if kind in LINES:
            return _lines.decode_lines(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = find_mistake(body, lines=kind in LINES, check=_lines.decode)
        raise found or RequestError(400, f"this is no JSON: {error}") from None
    given = f", not {kind}" if kind else ""
    text = f"send application/json, or a task a line as application/x-ndjson{given}"
    raise RequestError(415, text)


def _parcel(item: NewTask, topic: str, clock: Clock) -> Parcel:
    topic = item.topic or topic or item.type
    for what, name in (("type", item.type), ("topic", topic)):
        try:
            check_topic(name)
        except ValueError as error:
            raise ValueError(f"{what} '{name}': {error}") from None
    task = Task.new(
        item.type,
        item.info,
        job=item.job,
        meta=item.meta,
        id=item.id or None,
        clock=clock,
    )
    if item.created:
        task.created = item.created
        try:
            task.moment("created")
        except ValueError as error:
            raise ValueError(f"created: {error}") from None
    return Parcel(task, topic)
