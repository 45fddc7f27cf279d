"""Options classes read into specifications: names, types, and what sets them."""

import re
from datetime import timedelta
from enum import Enum
from typing import Any, get_args, get_origin

import attrs

from task_core.errors import PluginContractError
from task_core.options import OptionDetails, details_of
from task_core.values import default_of, is_path, without_none, write

HIDDEN = "********"
"""Shown in place of a secret."""
_PASSWORD = re.compile(r"(^|//|,)([^/@:,\s]*):[^/@,\s]+@")
_KINDS = {str: "TEXT", int: "NUMBER", float: "NUMBER", bool: "BOOL"}


@attrs.frozen(kw_only=True, eq=False)
class OptionSpec:
    """One option, worked out from an attrs field.

    Args:
        name: The field's name, without a last `_`.
        argument: What the class's constructor calls it.
        kind: The type of a single value.
        multiple: Whether it takes several.
        default: Used when nothing sets it; `attrs.NOTHING` when it is required.
        details: What the author declared.
        field: The attrs field, for the validator.
    """

    name: str
    argument: str
    kind: Any
    multiple: bool
    default: Any
    details: OptionDetails
    field: "attrs.Attribute[Any]"

    @property
    def required(self) -> bool:
        """Whether something must set it."""
        return self.default is attrs.NOTHING

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
        return "DURATION" if self.kind is timedelta else _KINDS[self.kind]

    def show(self, value: Any) -> str:
        """Write a value for people; a secret stays one."""
        if value is None or value == ():
            return ""
        if self.details.secret:
            return HIDDEN
        items = value if self.multiple else (value,)
        return hide_passwords(",".join(write(item) for item in items))


@attrs.frozen(kw_only=True, eq=False)
class Section:
    """The options of one thing, and the names under which they are set.

    Args:
        options: The attrs class.
        table: The TOML table, for example `("bus", "nsq")`.
        flag: What flags begin with, for example `bus-`; empty for those of a command.
        strict: Whether keys that the class does not know are errors.
        others: Tables of other plugins whose variables begin like its own.
    """

    options: type
    table: tuple[str, ...]
    flag: str = ""
    strict: bool = True
    others: tuple[tuple[str, ...], ...] = ()

    @property
    def specs(self) -> tuple[OptionSpec, ...]:
        """The options, in the order of the class."""
        return specs_of(self.options)

    @property
    def env_prefix(self) -> str:
        """What its environment variables begin with."""
        return variable_prefix(self.table)

    def owns_variable(self, variable: str) -> bool:
        """Whether an environment variable can only be meant for it."""
        others = tuple(map(variable_prefix, self.others))
        return variable.startswith(self.env_prefix) and not variable.startswith(others)

    def flag_of(self, spec: OptionSpec) -> str:
        """Return the flag of an option."""
        return f"--{self.flag}{spec.dashed}"

    def env_of(self, spec: OptionSpec) -> str:
        """Return the environment variable of an option."""
        return f"{self.env_prefix}{spec.name.upper()}"

    def key_of(self, spec: OptionSpec) -> str:
        """Return the TOML key of an option, with its table."""
        return ".".join((*self.table, spec.name))


def variable_prefix(table: tuple[str, ...]) -> str:
    """Return what the environment variables of a table begin with."""
    return "_".join(("task", *table, "")).upper().replace("-", "_")


def hide_passwords(text: str) -> str:
    """Blot out the passwords of URLs.

    Example:
        >>> hide_passwords("amqp://guest:secret@host")
        'amqp://guest:********@host'
    """
    return _PASSWORD.sub(rf"\1\2:{HIDDEN}@", text) if "@" in text else text


def specs_of(options: type) -> tuple[OptionSpec, ...]:
    """Read an attrs class of options.

    Raises:
        PluginContractError: It is none, or has a field of a type that is not offered.
    """
    if not attrs.has(options):
        raise PluginContractError(f"options must be an attrs class, not {options!r}")
    try:
        attrs.resolve_types(options)
    except NameError as error:
        name = options.__name__
        raise PluginContractError(f"types of {name} are unknown: {error}") from error
    return tuple(_spec(options, field) for field in attrs.fields(options) if field.init)


def _spec(options: type, field: "attrs.Attribute[Any]") -> OptionSpec:
    kind, multiple = _single(field.type)
    if not _is_offered(kind) or (multiple and kind is bool):
        raise PluginContractError(
            f"{options.__name__}.{field.name}: an option cannot be {field.type}: use"
            " str, int, float, bool, Path, timedelta, an Enum, or tuple[T, ...] of one"
        )
    default = default_of(field)
    if default is attrs.NOTHING and field.default is not attrs.NOTHING:
        raise PluginContractError(
            f"{options.__name__}.{field.name}: the default of an option cannot depend"
            " on other options"
        )
    return OptionSpec(
        name=field.name.rstrip("_"),  # `from_` is the option `from`
        argument=field.alias or field.name,
        kind=kind,
        multiple=multiple,
        default=default,
        details=details_of(field),
        field=field,
    )


def _is_offered(kind: Any) -> bool:
    if kind in _KINDS or kind is timedelta or is_path(kind):
        return True
    return isinstance(kind, type) and issubclass(kind, Enum)


def _single(kind: Any) -> tuple[Any, bool]:
    """Return the type of a single value, and whether there may be several."""
    kind = without_none(kind)
    if get_origin(kind) is tuple and get_args(kind)[1:] == (...,):
        return get_args(kind)[0], True
    return kind, False
