"""Layers of raw values -> one options object, with the origin of each value."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import attrs

from task_core.config.schema import HIDDEN, OptionSpec, Section
from task_core.config.sources import Layer, Raw
from task_core.nearest import nearest
from task_core.values import reader

_SWITCH = {
    **dict.fromkeys(("true", "yes", "on", "1", ""), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@attrs.frozen(kw_only=True, eq=False)
class Setting:
    """One value in force.

    Args:
        section, spec: Which option.
        value: Its value.
        origin: Where that comes from, for people.
    """

    section: Section
    spec: OptionSpec
    value: Any
    origin: str

    @property
    def shown(self) -> str:
        """The value for people; a secret stays one."""
        return self.spec.show(self.value)


class Resolver:
    """Resolves sections one after the other; problems gather until `raise_problems`."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.settings: list[Setting] = []

    def resolve(self, section: Section, layers: Sequence[Layer]) -> Any:
        """Return the options object of a section, or None when there are problems.

        Args:
            section: What to resolve.
            layers: What the sources say, the strongest first.
        """
        problems = len(self.problems)
        if section.strict:
            self._refuse_unknown(section, layers)
        settings = [self._setting(section, spec, layers) for spec in section.specs]
        self.settings += [setting for setting in settings if setting]
        if len(self.problems) > problems:
            return None
        values = {s.spec.argument: s.value for s in settings if s}
        try:
            return section.options(**values)
        except (ValueError, TypeError) as error:
            self.problems.append(f"{'.'.join(section.table)}: {plain(error, '')}")
            return None

    def _refuse_unknown(self, section: Section, layers: Sequence[Layer]) -> None:
        names = [spec.name for spec in section.specs]
        for layer in layers:
            for name, place in layer.unknown.items():
                hint = nearest(name, names)
                owner = " ".join(section.table)
                has = f"it has {', '.join(names)}" if names else "it has no options"
                text = f"{place}: {owner} has no option '{name}'{hint or f'; {has}'}"
                self.problems.append(text)

    def _setting(
        self, section: Section, spec: OptionSpec, layers: Sequence[Layer]
    ) -> Setting | None:
        raw = next((x.values[spec.name] for x in layers if spec.name in x.values), None)
        if raw is None and spec.required:
            self.problems.append(_missing(section, spec))
            return None
        if raw is None:
            return Setting(
                section=section, spec=spec, value=spec.default, origin="default"
            )
        try:
            value = convert(spec, raw.value)
            if spec.field.validator:
                spec.field.validator(None, spec.field, value)
        except (ValueError, TypeError) as error:
            self.problems.append(_wrong(section, spec, raw, error))
            return None
        return Setting(section=section, spec=spec, value=value, origin=raw.origin)


def _missing(section: Section, spec: OptionSpec) -> str:
    return (
        f"{section.key_of(spec)} is required: give {section.flag_of(spec)} or set"
        f" {section.env_of(spec)}"
    )


def _wrong(section: Section, spec: OptionSpec, raw: Raw, error: Exception) -> str:
    what = plain(error, spec.name)
    if spec.details.secret:
        what = f"not a good value: {HIDDEN}"
    if raw.origin.startswith("--"):
        return f"{raw.origin}: {what}"
    return f"{section.key_of(spec)} ({raw.origin}): {what}"


def plain(error: Exception, name: str) -> str:
    """Put the text of a converter or validator into plain words."""
    text = str(error.args[0]) if error.args else str(error)
    if not text.startswith(f"'{name}' must"):
        return text
    rule, _, value = text.removeprefix(f"'{name}' ").rpartition(": ")
    return f"{rule}, got {value}" if rule else text


def convert(spec: OptionSpec, value: Any) -> Any:
    """Turn a raw value into what the option's class wants.

    Args:
        spec: The option.
        value: A list of texts (flags, environment, URL), or a TOML value.

    Raises:
        ValueError: It does not fit.
    """
    read = _single_reader(spec)
    if spec.multiple:
        return tuple(read(item) for item in _items(value))
    if isinstance(value, list):
        if len(value) != 1 and not all(isinstance(item, str) for item in value):
            raise ValueError("one value is wanted, not a list")
        value = value[-1]  # of a flag given twice, the last one counts
    return read(value)


def _items(value: Any) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    items: list[Any] = []
    for one in values:
        items += [x for x in one.split(",") if x] if isinstance(one, str) else [one]
    return items


def _single_reader(spec: OptionSpec) -> Callable[[Any], Any]:
    if spec.kind is bool:
        return _read_switch
    read_text = reader(spec.kind)
    assert read_text is not None  # the schema refuses other types

    def read(value: Any) -> Any:
        if isinstance(value, bool | dict | list):
            raise ValueError(f"not {spec.metavar} but {_toml_kind(value)}")
        text = value if isinstance(value, str) else str(value)
        if spec.kind is timedelta and text.isdigit() and text != "0":
            # Go takes it for nanoseconds, everybody else for seconds.
            raise ValueError(f"{text} of what? Give a unit, for example {text}s")
        return read_text(text)

    return read


def _read_switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _SWITCH:
        raise ValueError(f"not true or false: {value!r}")
    return _SWITCH[text]


def _toml_kind(value: Any) -> str:
    names: Mapping[type, str] = {bool: "a boolean", dict: "a table", list: "a list"}
    return names[type(value)]
