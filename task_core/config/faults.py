"""What is wrong with a class of options itself, whatever anybody sets."""

import inspect
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, get_type_hints

import msgspec

from task_core.fields import Field, fields_of, plain, without_none
from task_core.options import UrlPart, options_of
from task_core.values import is_path


class Fault(msgspec.Struct, frozen=True):
    """One thing that its author must mend.

    Args:
        text: What is wrong, in one line.
        harmless: Whether all works as its author wants, but for a type.
    """

    text: str
    harmless: bool = False


def faults_of(options: type) -> Iterator[Fault]:
    """Yield what is wrong with a class of options that can be read.

    Args:
        options: The class.
    """
    specs = options_of(options)
    yield from _twice(specs)
    hints = get_type_hints(options)
    count = 0
    for spec in specs:
        without = without_none(hints.get(spec.attribute, spec.type))
        optional = without is not hints.get(spec.attribute)
        for fault in _of_one(spec, optional=optional):
            count += not fault.harmless
            yield fault
    if not count and not any(spec.required for spec in specs):
        try:
            options()
        except Exception as error:  # noqa: BLE001  it is code of a plugin
            text = plain(error, "")
            yield Fault(f"its options cannot be made of their defaults: {text}")


def wrong_validators(record: type) -> Iterator[Fault]:
    """Yield which fields of a class have a validator that cannot be called.

    Args:
        record: A class of options or parameters.
    """
    for spec in fields_of(record):
        if not can_check(spec):
            yield _wrong_validator(spec)


def can_check(spec: Field) -> bool:
    """Whether the validator of a field can be called as attrs does."""
    check = spec.check
    given = check.args if isinstance(check, partial) else ()
    try:
        if check:
            inspect.signature(getattr(check, "func", check)).bind(*given, None)
    except TypeError:
        return False
    except ValueError:  # one of C tells nobody
        return True
    return True


def refused_default(spec: Field) -> str:
    """Say that the own validator of an option refuses its default; or nothing."""
    try:
        if spec.check and not spec.required:
            spec.check(spec.default)
    except Exception as error:  # noqa: BLE001  it is code of a plugin
        text = plain(error, spec.name)
        return f"its option '{spec.name}' refuses its own default: {text}"
    return ""


def own_fault(specs: tuple[Field, ...]) -> str:
    """Say why the options that nobody has set cannot be made; or nothing.

    Args:
        specs: The options that have their defaults.
    """
    for spec in specs:
        if not can_check(spec):
            return _wrong_validator(spec).text
        if text := refused_default(spec):
            return text
    return ""


def _wrong_validator(spec: Field) -> Fault:
    text = f"the validator of '{spec.name}' must take (instance, attribute, value)"
    return Fault(text)


def _twice(specs: tuple[Field, ...]) -> Iterator[Fault]:
    """Yield what several options have that one alone can have."""
    for name, count in Counter(spec.name for spec in specs).items():
        if count > 1:
            yield Fault(f"{count} of its options are called '{name}'")
    places = Counter(spec.details.url for spec in specs if spec.details.url)
    for place, count in places.items():
        names = [spec.name for spec in specs if spec.details.url == place]
        if count > 1:
            both = " and ".join(f"'{name}'" for name in names)
            yield Fault(f"{both} both ask for the {place} of a URL")
        if place not in [*UrlPart]:
            parts = ", ".join(UrlPart)
            text = f"its option '{names[0]}' asks for url={place!r}: there are {parts}"
            yield Fault(text)


def _of_one(spec: Field, *, optional: bool) -> Iterator[Fault]:
    if not can_check(spec):
        yield _wrong_validator(spec)
    elif text := refused_default(spec):
        yield Fault(text)
    elif fault := wrong_default(spec, optional=optional):
        yield fault


def wrong_default(spec: Field, *, optional: bool = True) -> Fault | None:
    """Say that the default of an option is not of its type; None if it is.

    Args:
        spec: The option.
        optional: Whether None will do.
    """
    value = spec.default
    if spec.required or _fits(spec, value, optional=optional):
        return None
    kind = "tuple" if spec.multiple else spec.kind.__name__
    text = f"the default of its option '{spec.name}' is no {kind}"
    if not spec.details.secret:
        text = f"{text}: {value!r}"
    return Fault(text, value is None or _will_do(spec, value))


def _fits(spec: Field, value: Any, *, optional: bool) -> bool:
    if value is None:
        return optional
    if spec.multiple:
        return isinstance(value, tuple) and all(_is_a(spec.kind, one) for one in value)
    return _is_a(spec.kind, value)


def _is_a(kind: type, value: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _will_do(spec: Field, value: Any) -> bool:
    """Whether most code works with it as well."""
    if spec.multiple:
        return isinstance(value, list)
    return bool(is_path(spec.kind)) and isinstance(value, str)
