"""Where values come from: flags, a bus URL, the environment, a TOML file.

A section is the options of one thing, with the names by which each source sets them.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from task_core.errors import nearest
from task_core.fields import Field
from task_core.options import UrlPart, options_of
from task_core.shown import HIDDEN, hide_secrets
from task_core.uri import split_options, split_uri, unquote


class Section(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The options of one thing, and the names under which they are set.

    Args:
        options: The class of its options.
        table: The TOML table, for example `("bus", "nsq")`.
        flag: What flags begin with, for example `bus-`; empty for those of a command.
        strict: Whether keys that the class does not know are errors.
        weaker: Tables that set those of `COMMON` where its own says nothing.
        others: Returns tables of other plugins whose variables begin like its own.
        called: Whether a program sets them, by arguments in place of flags.
    """

    options: type
    table: tuple[str, ...]
    flag: str = ""
    strict: bool = True
    weaker: tuple[tuple[str, ...], ...] = ()
    others: Callable[[], Iterable[tuple[str, ...]]] = tuple
    called: bool = False

    @property
    def specs(self) -> tuple[Field, ...]:
        """The options, in the order of the class."""
        return options_of(self.options)

    @property
    def env_prefix(self) -> str:
        """What its environment variables begin with."""
        return variable_prefix(self.table)

    def owns_variable(self, variable: str) -> bool:
        """Whether an environment variable can only be meant for it."""
        if not variable.startswith(self.env_prefix):
            return False
        return not variable.startswith(tuple(map(variable_prefix, self.others())))

    def flag_of(self, spec: Field) -> str:
        """Return the flag of an option, or the argument by which a program sets it."""
        return spec.name if self.called else f"--{self.flag}{spec.dashed}"

    def env_of(self, spec: Field) -> str:
        """Return the environment variable of an option."""
        return f"{self.env_prefix}{spec.name.upper()}"

    def key_of(self, spec: Field) -> str:
        """Return the TOML key of an option, with its table."""
        return ".".join((*self.table, spec.name))


COMMON = ("bus", "log_level", "log_format", "log_time", "log_interval", "prefix")
"""Options that the table `[task]` sets for all commands."""


def variable_prefix(table: tuple[str, ...]) -> str:
    """Return what the environment variables of a table begin with."""
    names = table if table == ("task",) else ("task", *table)
    return "_".join((*names, "")).upper().replace("-", "_")


class Raw(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A value as it was found.

    Args:
        value: A tuple of texts, or what TOML holds.
        origin: Where it was found, for people.
    """

    value: Any
    origin: str


class Layer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All that one source says about one section.

    Args:
        values: By option name.
        unknown: What it says that no option knows: name -> where that is.
    """

    values: Mapping[str, Raw] = msgspec.field(default_factory=dict)
    unknown: Mapping[str, str] = msgspec.field(default_factory=dict)


def flag_layer(section: Section, flags: Mapping[str, Sequence[str]]) -> Layer:
    """Return what the command line says, from option name -> texts."""
    return Layer(
        values={
            spec.name: Raw(value=tuple(texts), origin=section.flag_of(spec))
            for spec in section.specs
            if (texts := flags.get(spec.name))
        }
    )


def environment_layer(section: Section, environment: Mapping[str, str]) -> Layer:
    """Return what the environment says; an empty variable counts as not set."""
    known = {section.env_of(spec): spec.name for spec in section.specs}
    values, unknown = {}, {}
    for variable, text in environment.items():
        if not text:
            continue
        if variable in known:
            values[known[variable]] = Raw(value=(text,), origin=variable)
        elif section.owns_variable(variable):
            name = variable.removeprefix(section.env_prefix).lower()
            unknown[name] = f"environment {variable}"
    return Layer(values=values, unknown=unknown)


def url_layer(section: Section, url: str) -> Layer:
    """Return what a URL behind `--bus` or `--worker` says.

    `name://authority/path?key=value` is read as a URL, percent-decoded but for the
    authority by itself, whose owner has to take it apart first; what follows in
    `name:rest` is taken literally, as the location, but for options at its end.
    """
    name, _, rest = url.partition(":")
    names = {spec.name for spec in section.specs}
    location, query = split_options(rest, lambda key: nearest(key, names))
    parts: dict[str, str] = {UrlPart.LOCATION: location}
    found: dict[str, tuple[str, ...]] = {}
    if rest.startswith("//"):
        pieces, query = split_uri(url)
        authority, path = pieces["authority"], pieces["path"]
        parts = {
            UrlPart.AUTHORITY: authority,
            UrlPart.PATH: path,
            UrlPart.LOCATION: unquote(authority) + path,
            **_authority(pieces),
        }
    values, unknown = _place_parts(section, name, parts)
    if rest.startswith("//") and "#" in rest:
        unknown["fragment"] = f"'#{rest.partition('#')[2]}' in the URL"
    for key, text in query:
        option = key.replace("-", "_")
        found[option] = (*found.get(option, ()), text)
    for option, texts in found.items():
        if option in names:
            values[option] = Raw(value=texts, origin=f"URL {name}:")
        else:
            unknown[option] = f"'{option}' in the URL"
    return Layer(values=values, unknown=unknown)


def hide_in_url(section: Section, url: str) -> str:
    """Return a URL with the values of secret options blotted out, and passwords."""
    secrets = [spec for spec in section.specs if spec.details.secret]
    places = {spec.details.url for spec in secrets} - {None, UrlPart.PASSWORD}
    if places:  # a password is blotted out where it stands, below
        return f"{url.partition(':')[0]}:{HIDDEN}"
    names = {spec.name for spec in secrets}
    head, mark, query = url.partition("?")
    pieces = [_hide_pair(names, piece) for piece in re.split("([&#])", query)]
    return hide_secrets(head) + mark + hide_secrets("".join(pieces))


def _hide_pair(names: Collection[str], pair: str) -> str:
    """Blot out the value of a secret key, however that is written."""
    key, equals, _ = pair.partition("=")
    name = unquote(key.replace("+", " ")).strip().lower().replace("-", "_")
    return f"{key}{equals}{HIDDEN}" if equals and name in names else pair


_OF_AUTHORITY = (UrlPart.HOST, UrlPart.PORT, UrlPart.USERNAME, UrlPart.PASSWORD)


def _authority(pieces: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of an authority, decoded; brackets of IPv6 addresses go."""
    text = pieces["authority"].rpartition("@")[2]
    others, comma, last = text.rpartition(",")  # a list is the bus's to take apart
    v6, bracket, rest = last.rpartition("]")
    name, _, port = rest.partition(":")  # a second colon is in no number
    host = v6 + bracket + name
    return {
        UrlPart.HOST: unquote(others + comma + host if comma else host.strip("[]")),
        UrlPart.PORT: port,
        UrlPart.USERNAME: pieces["username"],
        UrlPart.PASSWORD: pieces["password"],
    }


def _place_parts(
    section: Section, name: str, parts: Mapping[str, str]
) -> tuple[dict[str, Raw], dict[str, str]]:
    """Give each part to the option that asks for it; what nobody takes is unknown."""
    values = {
        spec.name: Raw(value=(parts[spec.details.url],), origin=f"URL {name}:")
        for spec in section.specs
        if spec.details.url and parts.get(spec.details.url)
    }
    taken = {spec.details.url for spec in section.specs}
    if UrlPart.LOCATION in taken:
        return values, {}
    wanted: tuple[UrlPart, ...] = (UrlPart.LOCATION,)
    if len(parts) > 1:
        detailed = not taken.isdisjoint(_OF_AUTHORITY)
        wanted = (*(_OF_AUTHORITY if detailed else (UrlPart.AUTHORITY,)), UrlPart.PATH)
    lacks = " without //" if len(parts) == 1 and any(taken) else ""
    unknown = {
        str(part): f"'{_hidden(part, parts[part])}' in the URL{lacks}"
        for part in wanted
        if parts[part] and part not in taken
    }
    return values, unknown


def _hidden(part: UrlPart, text: str) -> str:
    return HIDDEN if part is UrlPart.PASSWORD else hide_secrets(text)


class Source(Protocol):
    """What knows values for any section: a TOML file."""

    def layer(self, section: Section) -> Layer:
        """Return what it says about a section."""

    def strays(
        self,
        known: Mapping[str, Collection[str]],
        more: Callable[[], Collection[str]],
        outer: Collection[str] = (),
    ) -> list[str]:
        """Return what is wrong with its tables: some that nobody reads."""

    def defaults(
        self, path: tuple[str, ...], known: Collection[str], inner: Collection[str]
    ) -> Mapping[str, Any]:
        """Return what the table of a command says, all of which must be known."""


class NoFile:
    """The usual case: there is no TOML file."""

    def layer(self, section: Section) -> Layer:
        """Return nothing."""
        return Layer()

    def strays(
        self,
        known: Mapping[str, Collection[str]],
        more: Callable[[], Collection[str]],
        outer: Collection[str] = (),
    ) -> list[str]:
        """Return nothing."""
        return []

    def defaults(
        self, path: tuple[str, ...], known: Collection[str], inner: Collection[str]
    ) -> Mapping[str, Any]:
        """Return nothing."""
        return {}
