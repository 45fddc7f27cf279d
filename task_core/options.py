"""Options of a plugin: one attrs class gives flags, environment, TOML and URL."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import attrs

_KEY = "task_option"


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


@attrs.frozen(kw_only=True, eq=False)
class OptionDetails:
    """What `option` adds to an attrs field.

    Args:
        help: One sentence for `--help`.
        secret: Hide the value wherever it is shown.
        url: The part of the bus URL that sets it, if any.
        metavar: Placeholder in `--help`, for example `HOST:PORT`.
    """

    help: str = ""
    secret: bool = False
    url: UrlPart | None = None
    metavar: str | None = None


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
        help, secret, url, metavar: As on `OptionDetails`.
        validator: An attrs validator, for example `attrs.validators.ge(1)`.

    Example:
        >>> @attrs.frozen(kw_only=True)
        ... class Options:
        ...     hosts: tuple[str, ...] = option(("localhost:4150",), help="Hosts.")
        >>> Options().hosts
        ('localhost:4150',)
    """
    details = OptionDetails(help=help, secret=secret, url=url, metavar=metavar)
    return attrs.field(
        default=default,
        validator=validator,
        repr=not secret,
        kw_only=True,
        metadata={_KEY: details},
    )


def details_of(field: "attrs.Attribute[Any]") -> OptionDetails:
    """Return what `option` declared; a plain attrs field has no details."""
    details: OptionDetails = field.metadata.get(_KEY, OptionDetails())
    return details
