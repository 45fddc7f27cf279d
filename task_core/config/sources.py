"""Where values come from: flags, a bus URL, the environment, a TOML file."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from task_core.config.schema import Section
from task_core.options import UrlPart
from task_core.uri import split_uri


@attrs.frozen(kw_only=True, eq=False)
class Raw:
    """A value as it was found.

    Args:
        value: A list of texts, or what TOML holds.
        origin: Where it was found, for people.
    """

    value: Any
    origin: str


@attrs.frozen(kw_only=True, eq=False)
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


class Source(Protocol):
    """What knows values for any section: a TOML file."""

    def layer(self, section: Section) -> Layer:
        """Return what it says about a section."""


class NoFile:
    """The usual case: there is no TOML file."""

    def layer(self, section: Section) -> Layer:
        """Return nothing."""
        return Layer()
