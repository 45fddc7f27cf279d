"""Options of a plugin: one class of fields gives flags, environment, TOML and URL."""

from collections.abc import Callable
from datetime import timedelta
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Any

import attrs

from task_core.errors import PluginContractError
from task_core.fields import DETAILS, Details, Field, fields_of
from task_core.values import is_path

_KINDS = (str, int, float, bool, timedelta)


class UrlPart(StrEnum):
    """A part of `--bus name://authority/path?key=value` that an option asks for.

    The query needs no entry: each of its keys names an option.
    """

    AUTHORITY = "authority"
    """User, host and port, for example `a:4150,b:4150`."""
    PATH = "path"
    """The path, for example `/var/lib/tasks.db`."""
    LOCATION = "location"
    """Authority and path together, for example `tasks/today.json`."""
    HOST = "host"
    """The host alone, decoded, for example `localhost`."""
    PORT = "port"
    """The port, for example `6379`."""
    USERNAME = "username"
    """Who logs in, decoded."""
    PASSWORD = "password"  # noqa: S105  the name of a part
    """The password, decoded; such an option is a secret."""


def option(
    default: Any = attrs.NOTHING,
    *,
    help: str,
    secret: bool = False,
    url: UrlPart | None = None,
    metavar: str | None = None,
    validator: Callable[[Any, Any, Any], Any] | None = None,
) -> Any:
    """Declare one option of a plugin; the annotation is its type.

    A name that Python has for itself ends in `_` in the class, and not elsewhere.

    Types: `str int float bool Path timedelta`, an `Enum`, `tuple[T, ...]`, and each
    of them `| None`.

    Args:
        default: Used when nothing sets it; without one the option is required.
        help, secret, url, metavar: As on `Details`.
        validator: An attrs validator, for example `attrs.validators.ge(1)`.

    Example:
        >>> @attrs.frozen(kw_only=True)
        ... class Options:
        ...     hosts: tuple[str, ...] = option(("localhost:4150",), help="Hosts.")
        >>> Options().hosts
        ('localhost:4150',)
    """
    secret = secret or url is UrlPart.PASSWORD
    details = Details(help=help, secret=secret, url=url, metavar=metavar)
    return attrs.field(
        default=default,
        validator=validator,
        repr=not secret,
        kw_only=True,
        metadata={DETAILS: details},
    )


def more_than_nothing(instance: object, field: object, value: timedelta) -> None:
    """Refuse a time of 0s: the validator of an option that makes no sense with it."""
    if value <= timedelta(0):
        raise ValueError("must be more than 0s")


@lru_cache(maxsize=256)
def options_of(options: type) -> tuple[Field, ...]:
    """Read a class of options.

    Raises:
        PluginContractError: It is none, or has a field of a type that is not offered.
    """
    try:
        fields = fields_of(options)
    except TypeError:
        text = f"options must be an attrs class, not {options!r}"
        raise PluginContractError(text) from None
    except NameError as error:
        name = options.__name__
        raise PluginContractError(f"types of {name} are unknown: {error}") from error
    for field in fields:
        _check(f"{options.__name__}.{field.attribute}", field)
    return fields


def _check(place: str, field: Field) -> None:
    if not _is_offered(field.kind) or (field.multiple and field.kind is bool):
        raise PluginContractError(
            f"{place}: an option cannot be {field.type}: use str, int, float, bool,"
            " Path, timedelta, an Enum, or tuple[T, ...] of one"
        )
    if field.default is attrs.NOTHING and not field.required:
        raise PluginContractError(
            f"{place}: the default of an option cannot depend on other options"
        )


def _is_offered(kind: Any) -> bool:
    if kind in _KINDS or is_path(kind):
        return True
    return isinstance(kind, type) and issubclass(kind, Enum)
