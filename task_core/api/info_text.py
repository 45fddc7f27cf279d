"""A class of typed parameters -> the info URI that reads back the same."""

from collections.abc import Iterator
from typing import Any

from task_core.errors import InfoError, half_character
from task_core.fields import fields_of, is_record
from task_core.info import parse_info
from task_core.shown import hide_secrets
from task_core.uri import PARTS, join_uri
from task_core.values import write

_LONGEST = 200  # characters of the error, whatever the values
_LONGEST_VALUE = 60


def format_info(params: Any) -> str:
    """Write parameters as an info string: sorted query, defaults left out.

    Raises:
        InfoError: A value cannot be written so that it reads back the same; it is
            named, with what would be read.
    """
    parts: dict[str, str] = {}
    query: list[tuple[str, str]] = []
    _collect(params, parts, query)
    try:
        text = join_uri(parts, sorted(query))
        read = parse_info(type(params), text, strict=True)
        problems = [*_differences(params, read)]
    except InfoError as error:
        problems = list(error.problems)
    except UnicodeEncodeError as error:
        problems = [half_character(error.object)]
    if problems:
        text = f"cannot be written as an info string: {'; '.join(problems)}"
        raise InfoError([" ".join(text.split())[:_LONGEST]])
    return text


def _collect(
    params: Any,
    parts: dict[str, str],
    query: list[tuple[str, str]],
    *,
    whole: bool = False,
) -> None:
    """Sort the values of an object into URI parts and query pairs.

    Args:
        params: The object.
        parts, query: Get them.
        whole: Write values that are defaults, too.
    """
    record: Any = type(params)
    for field in fields_of(record):
        value = getattr(params, field.attribute)
        layout = field.details.layout
        if is_record(type(value)):
            inner: tuple[dict[str, str], list[tuple[str, str]]] = ({}, [])
            _collect(value, *inner, whole=whole)
            # nothing of it would be read as the default of the class around
            if not any(inner) and not field.required and value != field.default:
                _collect(value, *inner, whole=True)
            parts.update(inner[0])
            query.extend(inner[1])
        elif value in (None, {}) or (value == field.default and not whole):
            continue  # neither nothing nor an empty map can be written
        elif field.name in PARTS:
            parts[field.name] = write(value, layout)
        else:
            query.append((field.name, _write_texts(value, layout)))


def _differences(params: Any, read: Any) -> Iterator[str]:
    """Yield a line for each field that would be read as something else."""
    record: Any = type(params)
    for field in fields_of(record):
        value, other = (getattr(one, field.attribute) for one in (params, read))
        if is_record(type(value)) and type(value) is type(other):
            yield from _differences(value, other)
        elif value != other:
            yield f"{field.name}: {_shown(value)} would be read as {_shown(other)}"


def _shown(value: Any) -> str:
    text = hide_secrets(repr(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _write_texts(value: Any, layout: str) -> str:
    """Write a value so that `texts_reader` reads it back from one text."""
    if isinstance(value, dict):
        return "|".join(
            f"{key}:{_write_texts(item, layout)}" for key, item in value.items()
        )
    if isinstance(value, (list, tuple)):
        return ",".join(write(item, layout) for item in value)
    return write(value, layout)
