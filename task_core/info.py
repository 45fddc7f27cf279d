"""Info URI <-> an attrs class of typed parameters.

An info string is `[scheme:][//[user@]host[:port]]/path[?query][#fragment]`. A field
takes the part of the URI that has its name (`scheme host path userinfo username
password filename authority fragment origin`), or else the query key of its name.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin

import attrs

from task_core.errors import InfoError, WorkerError
from task_core.uri import PARTS, join_uri, split_uri
from task_core.values import default_of, reader, without_none, write

T = TypeVar("T")

_KEY = "task_param"
_LISTS = (list, tuple, Sequence)
_LONGEST = 200  # characters of one problem, whatever the input


@attrs.frozen(kw_only=True, eq=False)
class _Details:
    name: str = ""
    layout: str = ""
    help: str = ""


def param(
    default: Any = attrs.NOTHING,
    *,
    name: str = "",
    layout: str = "",
    help: str = "",
    validator: Callable[[Any, Any, Any], Any] | None = None,
) -> Any:
    """Declare one parameter of an info string; plain attrs fields work as well.

    Args:
        default: Used when the info string has none; without one it is required.
        name: The query key or URI part, when it differs from the field's name.
        layout: A `strptime` format for dates that are not RFC 3339.
        help: One sentence for people.
        validator: An attrs validator.

    Example:
        >>> @attrs.frozen
        ... class Params:
        ...     path: str
        ...     dest: str = param(name="dest-template")
        ...     threads: int = 2
        >>> parse_info(Params, "s3://bucket/a.json?dest-template=b&threads=4")
        Params(path='/a.json', dest='b', threads=4)
    """
    details = _Details(name=name, layout=layout, help=help)
    return attrs.field(default=default, validator=validator, metadata={_KEY: details})


def parse_info(params: type[T], info: str) -> T:
    """Read an info string into an attrs class.

    Keys that the class does not know are left alone, as the Go system does.

    Raises:
        InfoError: Fields are missing or wrong; all of them are named.
        WorkerError: The class has a field of a type that no text can give.
    """
    fields = _fields(params)  # type: ignore[arg-type]  # every class is hashable
    parts, pairs = split_uri(info)
    values = {name: [text] for name, text in parts.items() if text}
    for key, value in pairs:
        if key in PARTS:
            continue
        if key in values:
            values[key].append(value)
        else:
            values[key] = [value]
    return _build(params, fields, values)


def format_info(params: Any) -> str:
    """Write an attrs object as an info string: sorted query, defaults left out.

    Raises:
        InfoError: A value cannot be written so that it reads back the same.
    """
    parts: dict[str, str] = {}
    query: list[tuple[str, str]] = []
    _collect(params, parts, query)
    text = join_uri(parts, sorted(query))
    try:
        same = parse_info(type(params), text) == params
    except InfoError:
        same = False
    if not same:
        text = f"these values cannot be written as an info string: {params}"
        raise InfoError([_one_line(text)])
    return text


@attrs.frozen(kw_only=True, eq=False)
class _Field:
    """How one attrs field is read, worked out once for each class."""

    argument: str
    name: str
    layout: str
    required: bool
    read: Callable[[list[str]], Any]
    takes_blank: bool
    nested: "tuple[type, tuple[_Field, ...]] | None" = None


@lru_cache(maxsize=256)
def _fields(params: type) -> tuple[_Field, ...]:
    if not attrs.has(params):
        raise WorkerError(
            f"{params!r} is no attrs class: decorate it with attrs.frozen"
        )
    try:
        attrs.resolve_types(params)
    except NameError as error:
        raise WorkerError(f"{params.__name__}: no such type: {error}") from None
    return tuple(_field(params, field) for field in attrs.fields(params) if field.init)


def _field(params: type, field: "attrs.Attribute[Any]") -> _Field:
    details = field.metadata.get(_KEY, _Details())
    kind = without_none(field.type)
    nested = (kind, _fields(kind)) if attrs.has(kind) else None
    required = field.default is attrs.NOTHING
    read = None if nested else _reader(kind, details.layout)
    if nested is None and read is None:
        raise WorkerError(
            f"{params.__name__}.{field.name}: an info string cannot give {field.type}"
        )
    return _Field(
        argument=field.alias or field.name,
        name=details.name or field.name,
        layout=details.layout,
        required=required,
        read=read or _nothing,
        takes_blank=_takes_blank(kind, required),
        nested=nested,
    )


def _nothing(texts: list[str]) -> None:
    """Stand for the reader of a nested class, which has fields instead."""


def _takes_blank(kind: Any, required: bool) -> bool:
    """Whether a key with an empty value (`?key=`) counts as given."""
    if kind is bool or get_origin(kind) is dict:
        return True
    return not required and (kind is str or get_origin(kind) in _LISTS)


def _reader(kind: Any, layout: str) -> Callable[[list[str]], Any] | None:
    """Return what turns all values of a key into one field value."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is dict and args[0] is str:
        return _map_reader(args[1], layout)
    if origin in _LISTS and (origin is not tuple or args[1:] == (...,)):
        one = reader(args[0], layout)
        return one and _list_reader(one, tuple if origin is tuple else list)
    one = reader(kind, layout)
    return one and _first_reader(one)


def _first_reader(read: Callable[[str], Any]) -> Callable[[list[str]], Any]:
    return lambda texts: read(texts[0])


def _list_reader(read: Callable[[str], Any], build: type) -> Callable[[list[str]], Any]:
    return lambda texts: build(read(item) for text in texts for item in _items(text))


def _items(text: str) -> list[str]:
    return text.split(",") if text else []


def _map_reader(kind: Any, layout: str) -> Callable[[list[str]], Any] | None:
    read = _reader(kind, layout)
    if read is None:
        return None

    def read_map(texts: list[str]) -> dict[str, Any]:
        values: dict[str, list[str]] = {}
        for pair in (pair for text in texts for pair in text.split("|")):
            key, colon, value = pair.partition(":")
            if not colon:
                raise ValueError(f"not a map like key:value|key:value: {pair!r}")
            values.setdefault(key, []).append(value)
        return {key: read(value) for key, value in values.items()}

    return read_map


def _build(
    params: type[T], fields: tuple[_Field, ...], values: Mapping[str, list[str]]
) -> T:
    arguments: dict[str, Any] = {}
    problems: list[str] = []
    for field in fields:
        texts = values.get(field.name)
        try:
            if field.nested:
                arguments[field.argument] = _build(*field.nested, values)
            elif texts and (field.takes_blank or any(texts)):
                arguments[field.argument] = field.read(texts)
            elif field.required:
                problems.append(f"{field.name} is required")
        except InfoError as error:
            problems.extend(error.problems)
        except ValueError as error:
            problems.append(_one_line(f"{field.name}: {error}"))
    if problems:
        raise InfoError(_collapse(problems))
    try:
        return params(**arguments)
    except (ValueError, TypeError) as error:
        text = error.args[0] if error.args else error
        raise InfoError([_one_line(str(text))]) from None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _collapse(problems: list[str]) -> list[str]:
    counts = Counter(problems)
    return [text if n == 1 else f"[{n}] {text}" for text, n in counts.items()]


def _collect(params: Any, parts: dict[str, str], query: list[tuple[str, str]]) -> None:
    """Sort the values of an attrs object into URI parts and query pairs."""
    for field in attrs.fields(type(params)):
        value = getattr(params, field.name)
        details = field.metadata.get(_KEY, _Details())
        name = details.name or field.name
        if attrs.has(type(value)):
            _collect(value, parts, query)
        elif value is None or value == default_of(field):
            continue
        elif name in PARTS:
            parts[name] = write(value, details.layout)
        else:
            query.append((name, _text(value, details.layout)))


def _text(value: Any, layout: str) -> str:
    if isinstance(value, dict):
        return "|".join(f"{key}:{_text(item, layout)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(write(item, layout) for item in value)
    return write(value, layout)
