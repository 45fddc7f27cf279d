"""Classes of typed fields, as info strings and options read them: one engine for both.

An attrs class, a dataclass or a msgspec Struct will do. What its fields say beyond
name, type and default is declared with `param` or `option`, or in their metadata.
"""

import types
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from functools import lru_cache, partial
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec

from task_core.shown import HIDDEN, hide_secrets
from task_core.values import is_path, write

DETAILS = "task_field"
"""Key of the metadata of an attrs field under which its `Details` are."""
_DECLARED = ("help", "name", "layout")
_METAVARS = {str: "TEXT", int: "NUMBER", float: "NUMBER", bool: "BOOL"}


class Details(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What `param` and `option` add to a field.

    Args:
        help: One sentence for people.
        name: The query key or URI part, when it differs from the field's name.
        layout: A `strptime` format for dates that are not RFC 3339.
        secret: Hide the value wherever it is shown.
        url: The `UrlPart` that sets it, if any.
        metavar: Placeholder in `--help`, for example `HOST:PORT`.
    """

    help: str = ""
    name: str = ""
    layout: str = ""
    secret: bool = False
    url: str | None = None
    metavar: str | None = None


def param(
    default: Any = attrs.NOTHING,
    *,
    name: str = "",
    layout: str = "",
    help: str = "",
    validator: Callable[[Any, Any, Any], Any] | None = None,
) -> Any:
    """Declare one parameter of an info string; plain attrs fields work as well.

    A dataclass says the same in `field(metadata={"name": …, "layout": …})`, a msgspec
    Struct in `msgspec.field(name=…)`.

    Args:
        default: Used when the info string has none; without one it is required.
        name, layout, help: As on `Details`.
        validator: An attrs validator.

    Example:
        >>> from task_core.info import parse_info
        >>> @attrs.frozen
        ... class Params:
        ...     path: str
        ...     dest: str = param(name="dest-template")
        ...     threads: int = 2
        >>> parse_info(Params, "s3://bucket/a.json?dest-template=b&threads=4")
        Params(path='/a.json', dest='b', threads=4)
    """
    details = Details(name=name, layout=layout, help=help)
    return attrs.field(
        default=default, validator=validator, metadata={DETAILS: details}
    )


class Field(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One field of a class.

    Args:
        name: What people call it. A name that Python has for itself ends in `_` in
            the class, and not here.
        attribute: What the class calls it.
        argument: What the class's constructor calls it.
        type: Its annotation, without `| None` and `Annotated`.
        kind: The type of a single value.
        required: Whether it must be given.
        make_default: Returns its default, or `attrs.NOTHING` when there is none that
            does not depend on other fields.
        check: Raises `ValueError` or `TypeError` for a value that its author forbids.
        demand: As `check`, of what `Annotated` says: no constructor looks at that.
        details: What its author declared.
    """

    name: str
    attribute: str
    argument: str
    type: Any
    kind: Any
    required: bool
    make_default: Callable[[], Any]
    check: Callable[[Any], Any] | None
    demand: Callable[[Any], Any] | None
    details: Details

    @property
    def default(self) -> Any:
        """Its default, made anew where a factory makes it."""
        return self.make_default()

    @property
    def multiple(self) -> bool:
        """Whether it takes several values, as `tuple[T, ...]`."""
        return self.kind is not self.type

    @property
    def dashed(self) -> str:
        """Its name as a part of a flag."""
        return self.name.replace("_", "-")

    @property
    def metavar(self) -> str:
        """What to show for its value in help."""
        if self.details.metavar:
            return self.details.metavar
        if issubclass(self.kind, Enum):
            return f"[{'|'.join(str(member.value) for member in self.kind)}]"
        if is_path(self.kind):
            return "PATH"
        return "DURATION" if self.kind is timedelta else _METAVARS[self.kind]

    def show(self, value: Any) -> str:
        """Write a value for people; a secret stays one."""
        if value is None or value == ():
            return ""
        if self.details.secret:
            return HIDDEN
        is_list = self.multiple and isinstance(value, (list, tuple))
        items = value if is_list else (value,)  # a default may be of a wrong type
        return hide_secrets(",".join(write(item) for item in items))


def is_record(kind: Any) -> bool:
    """Whether a type is a class of typed fields."""
    return isinstance(kind, type) and (
        attrs.has(kind)
        or hasattr(kind, "__dataclass_fields__")
        or issubclass(kind, msgspec.Struct)
    )


@lru_cache(maxsize=256)
def fields_of(record: type) -> tuple[Field, ...]:
    """Read a class of typed fields, those that its constructor takes.

    Raises:
        TypeError: It is none.
        NameError: An annotation names no type.
    """
    if not is_record(record):
        raise TypeError(f"{record!r} is no attrs class, dataclass or msgspec Struct")
    hints = get_type_hints(record, include_extras=True)
    if attrs.has(record):
        return tuple(_of_attrs(record, hints))
    if issubclass(record, msgspec.Struct):
        return tuple(_of_struct(record, hints))
    return tuple(_of_dataclass(record, hints))


def _of_attrs(record: type, hints: Mapping[str, Any]) -> Iterator[Field]:
    for field in attrs.fields(record):
        if field.init:
            check = field.validator and partial(field.validator, None, field)
            yield _field(
                field.name,
                hints.get(field.name, field.type),
                _maker(field.default),
                field.metadata.get(DETAILS),
                argument=field.alias,
                required=field.default is attrs.NOTHING,
                check=check,
            )


def _of_dataclass(record: type, hints: Mapping[str, Any]) -> Iterator[Field]:
    from dataclasses import MISSING, fields  # noqa: PLC0415  few classes are any

    for field in fields(record):
        if field.init:
            factory = field.default_factory
            required = field.default is MISSING and factory is MISSING
            default = attrs.NOTHING if required else field.default
            declared = {name: field.metadata.get(name, "") for name in _DECLARED}
            yield _field(
                field.name,
                hints[field.name],
                _maker(default) if factory is MISSING else factory,
                Details(**declared),
                required=required,
            )


def _of_struct(
    record: type[msgspec.Struct], hints: Mapping[str, Any]
) -> Iterator[Field]:
    for field in msgspec.structs.fields(record):
        made = field.default_factory is not msgspec.NODEFAULT
        default = attrs.NOTHING if field.required else field.default
        renamed = field.encode_name if field.encode_name != field.name else ""
        yield _field(
            field.name,
            hints[field.name],
            field.default_factory if made else _maker(default),
            Details(name=renamed),
            required=field.required,
        )


def _field(
    attribute: str,
    hint: Any,
    make_default: Callable[[], Any],
    details: Details | None,
    *,
    argument: str | None = None,
    required: bool,
    check: Callable[[Any], Any] | None = None,
) -> Field:
    demand = None
    if get_origin(without_none(hint)) is Annotated:
        hint = without_none(hint)
        if any(isinstance(extra, msgspec.Meta) for extra in hint.__metadata__):
            demand = partial(_convert, hint)
        hint = get_args(hint)[0]
    kind = without_none(hint)
    details = details or Details()
    return Field(
        name=details.name or attribute.rstrip("_"),
        attribute=attribute,
        argument=argument or attribute,
        type=kind,
        kind=_single(kind),
        required=required,
        make_default=make_default,
        check=check or demand,
        demand=demand,
        details=details,
    )


def _convert(hint: Any, value: Any) -> Any:
    try:
        return msgspec.convert(value, type=hint)
    except msgspec.ValidationError as error:  # a `ValueError` in newer versions alone
        raise ValueError(str(error)) from None


def _maker(default: Any) -> Callable[[], Any]:
    if not isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return lambda: default
    return (lambda: attrs.NOTHING) if default.takes_self else default.factory


def _single(kind: Any) -> Any:
    """Return the type of a single value."""
    if get_origin(kind) is tuple and get_args(kind)[1:] == (...,):
        return get_args(kind)[0]
    return kind


def without_none(kind: Any) -> Any:
    """Return `T` for `T | None`, and every other type as it is.

    Example:
        >>> without_none(int | None)
        <class 'int'>
    """
    if get_origin(kind) in (Union, types.UnionType):
        rest = [arg for arg in get_args(kind) if arg is not type(None)]
        return rest[0] if len(rest) == 1 else kind
    return kind


def plain(error: Exception, name: str) -> str:
    """Put the text of a converter or validator into plain words."""
    text = str(error.args[0]) if error.args else str(error)
    text = text.removeprefix(f"'{name}' ")
    if not text.startswith(("must be <", "must be >")):
        return text
    rule, _, value = text.partition(": ")
    return f"{rule}, got {value}"
