"""What a URL behind `--bus` or `--worker` says, and how it is shown."""

import re
from collections.abc import Collection, Mapping

from task_core.config.sources import Layer, Raw, Section
from task_core.errors import nearest
from task_core.options import UrlPart
from task_core.shown import HIDDEN, hide_secrets
from task_core.uri import split_options, split_uri, unquote


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
    switches = [spec.name for spec in section.specs if spec.kind is bool]
    for option, texts in found.items():
        if option in names:
            empty = "true" if option in switches else ""  # `?follow` says enough
            given = tuple(text or empty for text in texts)
            values[option] = Raw(value=given, origin=f"URL {name}:")
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
