"""Layers of raw values -> one options object, with the origin of each value."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from task_core.config.sources import Layer, Raw, Section
from task_core.errors import PluginContractError, nearest
from task_core.fields import Field, plain
from task_core.shown import HIDDEN, hide_secrets, tell_secret, tell_url
from task_core.values import is_path, parse_wait, reader

DEFAULT = "default"
"""Origin of a value that nobody has set."""
_SWITCH = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_TOML_KINDS = {bool: "a boolean", dict: "a table", list: "a list"}


class Setting(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One value in force.

    Args:
        section, spec: Which option.
        value: Its value.
        origin: Where that comes from, for people.
        masked: The value for people, where a part of it is a secret.
    """

    section: Section
    spec: Field
    value: Any
    origin: str
    masked: str = ""

    @property
    def shown(self) -> str:
        """The value for people; a secret stays one."""
        return self.masked or self.spec.show(self.value)


class Resolver:
    """Resolves sections one after the other, and gathers what is wrong with them.

    Args:
        settings: Every value in force so far, with its origin.
    """

    def __init__(self) -> None:
        self._problems: dict[str, None] = {}
        self.settings: list[Setting] = []

    @property
    def problems(self) -> list[str]:
        """What is wrong; what two roles of one plugin share is told once."""
        return [*self._problems]

    def resolve(self, section: Section, layers: Sequence[Layer]) -> Any:
        """Return the options object of a section, or None when there are problems.

        Args:
            section: What to resolve.
            layers: What the sources say, the strongest first.
        """
        unknown = unknown_of(section, layers) if section.strict else []
        found = [self._setting(section, spec, layers) for spec in section.specs]
        settings = [one for one in found if isinstance(one, Setting)]
        problems = [*unknown, *(one for one in found if isinstance(one, str))]
        self.settings += settings
        self._problems.update(dict.fromkeys(problems))
        if problems:
            return None
        try:
            return section.options(**{s.spec.argument: s.value for s in settings})
        except (ValueError, TypeError) as error:
            _see_whose(settings, error)
            self._problems[f"{'.'.join(section.table)}: {plain(error, '')}"] = None
            return None

    def _setting(
        self, section: Section, spec: Field, layers: Sequence[Layer]
    ) -> Setting | str:
        """Return the value in force, or what is wrong with it."""
        raws = [
            layer.values[spec.name] for layer in layers if spec.name in layer.values
        ]
        _tell_secrets(spec, raws)
        raw = raws[0] if raws else None
        if raw is None and spec.required:
            return _missing(section, spec)
        if raw is None:
            _see_default(spec)
            return Setting(
                section=section, spec=spec, value=spec.default, origin=DEFAULT
            )
        try:
            value = convert(spec, raw.value)
            for check in filter(None, (spec.demand, spec.check)):
                check(value)
        except (ValueError, TypeError) as error:
            _see_validator(spec, error)
            return _wrong(section, spec, raw, error)
        return Setting(section=section, spec=spec, value=value, origin=raw.origin)


def _see_default(spec: Field) -> None:
    """See that the default of an option, which is in force, is of its type.

    Raises:
        PluginContractError: It is not: each task would fail of it.
    """
    values = spec.default if spec.multiple else (spec.default,)
    kinds = spec.kind, type(None)
    if type(values) is tuple and all(type(one) in kinds for one in values):
        return  # as those of a plain start, which loads no more for it
    from task_core.config.faults import wrong_default  # noqa: PLC0415

    fault = wrong_default(spec)
    if fault and not fault.harmless:
        raise PluginContractError(fault.text, code="P09")


def _see_whose(settings: Sequence[Setting], error: Exception) -> None:
    """See that an options object was not refused for what its author set.

    Raises:
        PluginContractError: It was.
    """
    # Only now: options that are refused one by one do not come here.
    from task_core.config.faults import own_fault  # noqa: PLC0415

    own = tuple(one.spec for one in settings if one.origin == DEFAULT)
    text = own_fault(own)
    if not text and settings and len(own) == len(settings):
        text = f"its options cannot be made of their defaults: {plain(error, '')}"
    if text:
        raise PluginContractError(text, code="P09") from error


def _see_validator(spec: Field, error: Exception) -> None:
    """See that a value was not refused because its validator cannot be called.

    Raises:
        PluginContractError: It was.
    """
    if isinstance(error, TypeError) and spec.check:
        from task_core.config.faults import can_check, own_fault  # noqa: PLC0415

        if not can_check(spec):
            raise PluginContractError(own_fault((spec,)), code="P09") from error


def _tell_secrets(spec: Field, raws: Sequence[Raw]) -> None:
    """Have the secrets in what was given blotted out, also in what has no effect."""
    for raw in raws:
        texts = raw.value if isinstance(raw.value, tuple | list) else [raw.value]
        for text in filter(None, map(str, texts)):
            if spec.details.secret:
                tell_secret(text)
            elif "@" in text:
                tell_url(text)


def unknown_of(section: Section, layers: Sequence[Layer]) -> list[str]:
    """Return what the sources say that the section has no option for."""
    names = [spec.name for spec in section.specs]
    owner = " ".join(section.table)
    has = f"; it has {', '.join(names)}" if names else "; it has no options"
    return [
        f"{place}: {owner} has no option '{name}'{nearest(name, names) or has}"
        for layer in layers
        for name, place in layer.unknown.items()
    ]


def _missing(section: Section, spec: Field) -> str:
    if section.table[0] == "hooks":  # they have no flags
        table = ".".join(section.table)
        return (
            f"{section.key_of(spec)} is required: give {spec.name} under [{table}] in"
            f" task.toml, or set {section.env_of(spec)}"
        )
    return (
        f"{section.key_of(spec)} is required: give {section.flag_of(spec)} or set"
        f" {section.env_of(spec)}"
    )


def _wrong(section: Section, spec: Field, raw: Raw, error: Exception) -> str:
    what = hide_secrets(plain(error, spec.name))
    if spec.details.secret:
        what = f"not a good value: {HIDDEN}"
    if raw.origin == section.flag_of(spec):
        return f"{raw.origin}: {what}"
    return f"{section.key_of(spec)} ({raw.origin}): {what}"


def convert(spec: Field, value: Any) -> Any:
    """Turn a raw value into what the option's class wants.

    Args:
        spec: The option.
        value: A tuple of texts (flags, environment, URL), a list of a program, or a
            TOML value.

    Raises:
        ValueError, TypeError: It does not fit.
    """
    read = _single_reader(spec)
    if spec.multiple:
        return tuple(read(item) for item in _items(value))
    if isinstance(value, tuple):
        value = value[-1]  # of a flag given twice, the last one counts
    return read(value)


def _items(value: Any) -> list[Any]:
    """Return the single values; only those of a list can have a comma in them."""
    if isinstance(value, list):
        return value
    texts = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(text, str) for text in texts):
        return [*texts]
    return [item for text in texts for item in _split(text) if item]


def _split(text: str) -> list[str]:
    """Return what is between commas; spaces are for the eye there."""
    parts = text.split(",")
    return [part.strip() for part in parts] if len(parts) > 1 else parts


def _single_reader(spec: Field) -> Callable[[Any], Any]:
    if spec.kind is bool:
        return _read_switch
    read_text = parse_wait if spec.kind is timedelta else reader(spec.kind)
    assert read_text is not None  # `options_of` refuses other types

    def read(value: Any) -> Any:
        if isinstance(value, bool | dict | list):
            raise TypeError(f"not {spec.metavar} but {_TOML_KINDS[type(value)]}")
        is_text = spec.kind is str or is_path(spec.kind)
        # A number is the text that it is where there is more to say of it than that.
        tells = spec.check and isinstance(value, int)
        if is_text and not isinstance(value, str) and not tells:
            raise TypeError(f"a text is wanted: write {str(value)!r}")
        text = value if isinstance(value, str) else str(value)
        return read_text(text)

    return read


def _read_switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _SWITCH:
        raise ValueError(f"not true or false: {value!r}")
    return _SWITCH[text]
