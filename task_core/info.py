"""Info URI -> a class of typed parameters; `api/info_text.py` is the way back.

An info string is `[scheme:][//[user@]host[:port]]/path[?query][#fragment]`. A field
takes the part of the URI that has its name (`scheme host path userinfo username
password filename authority fragment origin`), or else the query key of its name.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar, get_origin

import msgspec

from task_core.errors import InfoError, WorkerError, excerpt, nearest
from task_core.fields import Field, fields_of, is_record
from task_core.uri import PARTS, PLAIN, PLAIN_PARTS, split_query, take_apart
from task_core.values import LISTS, reader, texts_reader

T = TypeVar("T")

GIVEN = (
    "str, bool, int, float, Path, timedelta, datetime or an Enum, also in a list[...],"
    " tuple[..., ...] or dict[str, ...]"
)
"""Which types it can give."""
_LONGEST = 200  # characters of one problem, whatever the input


def parse_info(params: type[T], info: str, *, strict: bool = False) -> T:
    """Read an info string into an attrs class, a dataclass or a msgspec Struct.

    Args:
        params: The class.
        info: The string.
        strict: Refuse keys that the class does not know, a `bool` that is neither
            true nor false, and a duration without a unit. Workers are strict unless
            they say otherwise. Not strict is what the Go system is: such keys are left
            alone, such a value is false, and a bare number is nanoseconds.

    Raises:
        InfoError: Fields are missing or wrong; all of them are named.
        WorkerError: The class has a field of a type that no text can give.
    """
    parsed: T = parser_of(params, strict)(info)  # type: ignore[arg-type]  # is hashable
    return parsed


@lru_cache(maxsize=256)
def parser_of(params: type, strict: bool = False) -> Callable[[str], Any]:
    """Return what reads info strings into a class, worked out once.

    Raises:
        WorkerError: As `parse_info`.
    """
    return _Parser(_record(params, strict), strict)


class _Reader(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How one field is read.

    Args:
        argument: What the class's constructor calls it.
        name: The query key or URI part.
        required: Whether it must be given.
        takes_blank: Whether a key with an empty value (`?key=`) counts as given.
        read: Turns all texts of the key into the value.
        read_one: Does it when there is but one.
        record: In place of that: a class inside of the class. One with a default is
            left to that where no name of it is given.
    """

    argument: str
    name: str
    required: bool
    takes_blank: bool
    read: Callable[[list[str]], Any]
    read_one: Callable[[str], Any]
    record: "_Record | None"


class _Record(msgspec.Struct, frozen=True, eq=False):
    """A class of parameters, and how each of its fields is read."""

    make: Callable[..., Any]
    readers: tuple[_Reader, ...]

    def names(self) -> Iterator[str]:
        """Yield the query keys and URI parts that it reads, those inside as well."""
        for one in self.readers:
            if one.record:
                yield from one.record.names()
            else:
                yield one.name

    def build(self, given: Mapping[str, list[str]]) -> Any:
        """Return an object of the class; an `InfoError` names all that is wrong."""
        arguments: dict[str, Any] = {}
        problems: list[str] = []
        for one in self.readers:
            texts = given.get(one.name)
            try:
                if one.record:
                    if one.required or not given.keys().isdisjoint(one.record.names()):
                        arguments[one.argument] = one.record.build(given)
                elif texts and (one.takes_blank or any(texts)):
                    arguments[one.argument] = one.read(texts)
                elif one.required:
                    problems.append(f"{one.name} is required")
            except InfoError as error:
                problems.extend(error.problems)
            except ValueError as error:
                problems.append(_one_line(f"{one.name}: {error}"))
        if problems:
            raise InfoError(_collapse(problems))
        try:
            return self.make(**arguments)
        except (ValueError, TypeError) as error:
            text = error.args[0] if error.args else error
            raise InfoError([_one_line(str(text))]) from None


class _Parser:
    """Reads info strings into a class.

    Args:
        record: The class.
        strict: Whether to refuse keys that it does not know.
    """

    def __init__(self, record: _Record, strict: bool) -> None:
        names = [*record.names()]
        self._record = record
        self._strict = strict
        self._parts = [(name, PARTS[name]) for name in {*names} if name in PARTS]
        self._keys = [name for name in dict.fromkeys(names) if name not in PARTS]
        self._known = frozenset(self._keys)
        self._make = record.make
        readers = {x.name: (x.argument, x.read_one) for x in record.readers}
        self._by_key = {name: readers[name] for name in readers.keys() & self._known}
        self._by_part = [
            (PLAIN_PARTS[name], *readers[name])
            for name in readers.keys() & PLAIN_PARTS.keys()
        ]
        # a class inside, a name of two fields, or a user: not what most have
        read = len(self._by_key) + len(self._by_part)
        nested = any(one.record for one in record.readers)
        self._is_simple = not nested and read == len(names)
        self._required = {one.argument for one in record.readers if one.required}
        self._order: tuple[str, ...] | None = None
        self._read_alike: Callable[[str], Any] = _nothing
        self._alike = lru_cache(maxsize=16)(self._shape_of)

    def __call__(self, info: str) -> Any:
        """Read a string, in the shortest way that will do."""
        try:
            if (made := self._read_alike(info)) is not None:
                return made
        except (ValueError, TypeError):
            return self._thoroughly(info)
        return self._by_piece(info)

    def _by_piece(self, info: str) -> Any:
        """Read what most strings are: nothing escaped, repeated or blank."""
        plain = PLAIN(info) if self._is_simple else None
        if plain is None:
            return self._thoroughly(info)
        raw: Any = plain.groups("")
        arguments: dict[str, Any] = {}
        try:
            for part, argument, read in self._by_part:
                if text := part(raw):
                    arguments[argument] = read(text)
            for piece in raw[3].split("&") if raw[3] else ():
                key, _, text = piece.partition("=")
                argument, read = self._by_key[key]
                if not text or argument in arguments:
                    return self._thoroughly(info)
                arguments[argument] = read(text)
            order = tuple(arguments)
            # what was given once before had all; a constructor may ask for less
            if order != self._order and not self._required <= arguments.keys():
                return self._thoroughly(info)
            made = self._make(**arguments)
        except (KeyError, ValueError, TypeError):
            return self._thoroughly(info)
        if order == self._order:  # twice in a row: more like these may come
            self._read_alike = self._alike(order)
        self._order = order
        return made

    def _shape_of(self, order: tuple[str, ...]) -> Callable[[str], Any]:
        # Who reads few strings never comes here.
        from task_core.shapes import shape_of  # noqa: PLC0415

        readers = self._record.readers
        names = {one.argument: one.name for one in readers}
        read = {one.argument: one.read_one for one in readers}
        return shape_of(self._make, order, names, read)

    def _thoroughly(self, info: str) -> Any:
        """Read any string; raise with all that is wrong."""
        raw = take_apart(info)
        pairs = split_query(raw[3])
        if self._strict:
            self._refuse(key for key, _ in pairs if key not in self._known)
        given: dict[str, list[str]] = {}
        for key, value in pairs:
            if key not in PARTS:
                given.setdefault(key, []).append(value)
        given.update((name, [read(raw)]) for name, read in self._parts if read(raw))
        return self._record.build(given)

    def _refuse(self, unknown: Iterable[str]) -> None:
        problems = [self._unknown(key) for key in dict.fromkeys(unknown)]
        if problems:
            raise InfoError(problems)

    def _unknown(self, key: str) -> str:
        if key in PARTS:
            return f"'{key}' is a part of the URI: it cannot be a key"
        others = f"; there is {', '.join(self._keys)}" if self._keys else ""
        return f"there is no key {excerpt(key)}{nearest(key, self._keys) or others}"


def _record(params: type, strict: bool, around: tuple[type, ...] = ()) -> _Record:
    """Return how a class is read that may stand inside of others."""
    try:
        fields = fields_of(params)
    except TypeError as error:
        raise WorkerError(f"{error}: decorate it with attrs.frozen") from None
    except NameError as error:
        raise WorkerError(f"{params.__name__}: no such type: {error}") from None
    within = (*around, params)
    return _Record(params, tuple(_reader_of(within, field, strict) for field in fields))


def _reader_of(within: tuple[type, ...], field: Field, strict: bool) -> _Reader:
    params = within[-1]
    kind, layout = field.type, field.details.layout
    is_inner = is_record(kind) and kind not in within  # inside of itself it has no end
    record = _record(kind, strict, within) if is_inner else None
    read = _nothing if record else texts_reader(kind, layout, strict)
    if read is None:
        what = f"{_shown(kind)} inside of itself" if is_record(kind) else _shown(kind)
        raise WorkerError(
            f"{params.__name__}.{field.attribute}: an info string cannot give"
            f" {what}, but {GIVEN}"
        )
    if field.demand:
        read = _checked(read, field.demand)
        read_one = _first(read)
    else:
        read_one = reader(kind, layout, strict) or _first(read)
    return _Reader(
        argument=field.argument,
        name=field.name,
        required=field.required,
        takes_blank=_takes_blank(kind, field.required),
        read=read,
        read_one=read_one,
        record=record,
    )


def _shown(kind: Any) -> str:
    """Return a type as it is written."""
    return kind.__qualname__ if type(kind) is type else str(kind)


def _nothing(given: object) -> None:
    """Stand for a reader that there is none of: of a class inside, or a shape."""


def _checked(
    read: Callable[[list[str]], Any], check: Callable[[Any], Any]
) -> Callable[[list[str]], Any]:
    return lambda texts: check(read(texts))


def _first(read: Callable[[list[str]], Any]) -> Callable[[str], Any]:
    return lambda text: read([text])


def _takes_blank(kind: Any, required: bool) -> bool:
    """Whether a key with an empty value (`?key=`) counts as given."""
    if kind is bool or get_origin(kind) is dict:
        return True
    return not required and (kind is str or get_origin(kind) in LISTS)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _collapse(problems: list[str]) -> list[str]:
    counts = Counter(problems)
    return [text if n == 1 else f"[{n}] {text}" for text, n in counts.items()]
