"""What a backload is asked for, and how flowlord's `POST /backload` says it."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from task_rules.names import nearest
from task_rules.table import file_name

from task_core.api import UsageError

MOST = 10_000
"""Tasks of a backload, unless it says otherwise."""
DONE_TOPIC = "done"
"""Where done tasks are, unless it says otherwise."""
KEYS = (
    *("task", "job", "template", "workflow", "from", "to", "at", "by", "meta"),
    *("meta-file", "execute"),
)


@attrs.frozen(kw_only=True)
class Request:
    """What is asked for; all dates are text as people write it.

    Args:
        task: `type` or `type:job`.
        template: For tasks that are of no phase; a phase's own counts more.
        workflow: The file of the phase, where several have one of that name.
        start, end, at: A range, both ends included, or one date; `at` counts more.
        by: The step.
        meta: Values of each key; a phase's own when there are none.
        meta_file: JSON lines, CSV or Parquet with such values, instead.
        product: Each value of meta with each.
        newest: Begin with the newest date.
        on_hours, off_hours: Only those hours of the day; not those.
        every: Only each so many dates, counted from the first.
        most: How many tasks there may be.
        flags: Whether it is asked for by flags of a command; else by keys of JSON.
    """

    task: str
    template: str = ""
    workflow: str = ""
    start: str = ""
    end: str = ""
    at: str = ""
    by: str = ""
    meta: Mapping[str, Sequence[str]] = {}
    meta_file: str = ""
    product: bool = False
    newest: bool = False
    on_hours: Sequence[int] = ()
    off_hours: Sequence[int] = ()
    every: int = 1
    most: int = MOST
    flags: bool = True


def read_request(values: Mapping[str, Any]) -> tuple[Request, bool]:
    """Read what flowlord's `POST /backload` takes; keys count in any case.

    Args:
        values: The JSON object.

    Returns:
        The request, and whether it is to be executed.

    Raises:
        UsageError: Something in it is wrong.

    Example:
        >>> read_request({"Task": "load", "at": "2026-01-31"})[0].at
        '2026-01-31'
    """
    said = {str(key).lower(): value for key, value in values.items()}
    for key in said:
        if key not in KEYS:
            raise UsageError(f"unknown key {key!r}{nearest(key, KEYS)}")
    texts = {key: said.get(key) or "" for key in KEYS if key not in ("meta", "execute")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise UsageError(f"{key} must be text, not {value!r}")
    try:
        file_name(texts["meta-file"])
    except ValueError as error:
        raise UsageError(f"meta-file {error}") from None
    execute = said.get("execute", False)
    if not isinstance(execute, bool):
        raise UsageError(f"execute must be true or false, not {execute!r}")
    task = texts["task"]
    if not task:
        raise UsageError("task is missing: it is type or type:job")
    if texts["job"] and ":" not in task:
        task = f"{task}:{texts['job']}"
    request = Request(
        task=task,
        template=texts["template"],
        workflow=texts["workflow"],
        start=texts["from"],
        end=texts["to"],
        at=texts["at"],
        by=texts["by"],
        meta=_json_meta(said.get("meta") or {}),
        meta_file=texts["meta-file"],
        flags=False,
    )
    return request, execute


def _json_meta(values: Any) -> Mapping[str, Sequence[str]]:
    if not isinstance(values, dict):
        raise UsageError(f"meta must be an object, not {values!r}")
    kinds = {type(value) for value in values.values()}
    if kinds <= {str}:
        return {key: (value,) for key, value in values.items()}
    if kinds == {list} and all(
        isinstance(it, str) for v in values.values() for it in v
    ):
        return values
    raise UsageError("meta takes texts, or lists of texts, and not both")
