"""Where values come from: flags, a bus URL, the environment, a TOML file."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from task_core.config.schema import Section
from task_core.errors import OptionError
from task_core.options import UrlPart
from task_core.uri import split_uri

DEFAULT_FILE = "task.toml"
"""Read when it is there and no other file is named."""


@attrs.frozen(kw_only=True)
class Raw:
    """A value as it was found.

    Args:
        value: A list of texts, or what TOML holds.
        origin: Where it was found, for people.
    """

    value: Any
    origin: str


@attrs.frozen(kw_only=True)
class Layer:
    """All that one source says about one section.

    Args:
        values: By option name.
        unknown: What it says that no option knows: name -> where that is.
    """

    values: Mapping[str, Raw] = attrs.field(factory=dict)
    unknown: Mapping[str, str] = attrs.field(factory=dict)


def flag_layer(section: Section, flags: Mapping[str, Sequence[str]]) -> Layer:
    """Return what the command line says, from option name -> texts."""
    return Layer(
        values={
            spec.name: Raw(value=list(texts), origin=section.flag_of(spec))
            for spec in section.specs
            if (texts := flags.get(spec.name))
        }
    )


def environment_layer(section: Section, environment: Mapping[str, str]) -> Layer:
    """Return what the environment says."""
    prefix = section.env_prefix
    known = {section.env_of(spec): spec.name for spec in section.specs}
    values, unknown = {}, {}
    for variable, text in environment.items():
        if variable in known:
            values[known[variable]] = Raw(value=[text], origin=variable)
        elif variable.startswith(prefix):
            unknown[variable.removeprefix(prefix).lower()] = f"environment {variable}"
    return Layer(values=values, unknown=unknown)


def url_layer(section: Section, url: str) -> Layer:
    """Return what a URL behind `--bus` or `--worker` says.

    `name://authority/path?key=value` is read as a URL; what follows in `name:rest` is
    taken literally, as the location.
    """
    name, _, rest = url.partition(":")
    parts = {UrlPart.LOCATION: rest}
    query: list[tuple[str, str]] = []
    if rest.startswith("//"):
        pieces, query = split_uri(url)
        authority, path = pieces["authority"], pieces["path"]
        parts = {
            UrlPart.AUTHORITY: authority,
            UrlPart.PATH: path,
            UrlPart.LOCATION: authority + path,
        }
    values, unknown = _place_parts(section, name, parts)
    names = {spec.name for spec in section.specs}
    for key, text in query:
        option = key.replace("-", "_")
        if option not in names:
            unknown[option] = f"'{key}' in the URL"
        elif option in values:
            values[option].value.append(text)
        else:
            values[option] = Raw(value=[text], origin=f"URL {name}:")
    return Layer(values=values, unknown=unknown)


def _place_parts(
    section: Section, name: str, parts: Mapping[UrlPart, str]
) -> tuple[dict[str, Raw], dict[str, str]]:
    """Give each part to the option that asks for it; what nobody takes is unknown."""
    values = {
        spec.name: Raw(value=[parts[spec.details.url]], origin=f"URL {name}:")
        for spec in section.specs
        if spec.details.url and parts.get(spec.details.url)
    }
    taken = {spec.details.url for spec in section.specs}
    if UrlPart.LOCATION in taken:
        return values, {}
    unknown = {
        part.value: f"'{text}' in the URL"
        for part, text in parts.items()
        if text and part not in taken and (part is not UrlPart.LOCATION or not values)
    }
    if len(parts) > 1:
        unknown.pop(UrlPart.LOCATION.value, None)
    return values, unknown


class TomlFile:
    """A TOML file, or none.

    Args:
        path: Its path, for messages.
        text: What it holds.

    Raises:
        OptionError: It is no TOML; the text says where.
    """

    def __init__(self, path: str = "", text: str = "") -> None:
        self.path = path
        self._text = text
        try:
            self._data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise OptionError([f"{path} is no TOML: {error}"]) from None

    @classmethod
    def read(cls, path: str | None) -> "TomlFile":
        """Read a file; without a path the default one, if it is there.

        Raises:
            OptionError: It cannot be read, or is no TOML.
        """
        if path is None:
            if not Path(DEFAULT_FILE).is_file():
                return cls()
            path = DEFAULT_FILE
        try:
            return cls(path, Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise OptionError([f"cannot read {path}: {error.strerror}"]) from None
        except UnicodeDecodeError:
            raise OptionError([f"cannot read {path}: it is not UTF-8"]) from None

    def layer(self, section: Section) -> Layer:
        """Return what the file says about a section.

        Raises:
            OptionError: What should be a table is none.
        """
        table: Any = self._data
        for depth, name in enumerate(section.table, 1):
            table = table.get(name, {})
            if not isinstance(table, dict):
                path = ".".join(section.table[:depth])
                raise OptionError([f"{self.path}: {path} must be a table"])
        names = {spec.name for spec in section.specs}
        found = {key.replace("-", "_"): (key, value) for key, value in table.items()}
        return Layer(
            values={
                name: Raw(value=value, origin=self._place(section, key))
                for name, (key, value) in found.items()
                if name in names
            },
            unknown={
                name: self._place(section, key)
                for name, (key, _) in found.items()
                if name not in names
            },
        )

    def _place(self, section: Section, key: str) -> str:
        line = line_of(self._text, section.table, key)
        return f"{self.path}, line {line}" if line else self.path


def line_of(text: str, table: Sequence[str], key: str) -> int:
    """Return the line of a key in TOML text, from 1; 0 when it is written unusually."""
    current: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            names = header[1].split(".")
            current = tuple(name.strip().strip("\"'") for name in names)
        elif current == tuple(table) and re.match(
            rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line
        ):
            return number
    return 0
