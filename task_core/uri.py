"""A URI taken apart into named pieces, and put together again.

The standard library's `urlsplit` drops tabs and newlines and lower-cases hosts, so it
is done here, as the expression of RFC 3986, appendix B, does it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

Raw = tuple[str, str, str, str, str]
"""Scheme, authority, path, query and fragment, as they are written."""

PLAIN_HEAD = (
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):|(?![A-Za-z][A-Za-z0-9+.-]*:))"
    r"(?://([^/?#%@]*)(?=[/?#]|\Z)|(?!//))(?!//)([^?#%]*)"
)
PLAIN_FRAGMENT = r"(?:#([^%]*))?"
PLAIN = re.compile(rf"{PLAIN_HEAD}(?:\?([^#%+]*))?{PLAIN_FRAGMENT}").fullmatch
"""Takes most URIs apart, as `take_apart` does, in a third of its time; those that have
anything escaped, a user or two slashes where a path begins are None."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_SAFE = "/:@!$&'()*,;=~"


def unquote(text: str) -> str:
    """Decode what is percent-encoded; most texts hold nothing that is.

    Example:
        >>> unquote("a%20b+c")
        'a b+c'
    """
    if "%" not in text:
        return text
    # A tenth of a start, and most never come here.
    from urllib.parse import unquote as decoded  # noqa: PLC0415

    return decoded(text)


def quote(text: str, *, safe: str = "") -> str:
    """Percent-encode a text, but for letters, digits, `_.-~` and what is safe.

    Example:
        >>> quote("/a b", safe="/")
        '/a%20b'
    """
    if text.isalnum() and text.isascii():
        return text
    from urllib.parse import quote as quoted  # noqa: PLC0415  as above

    return quoted(text, safe)


def quote_plus(text: str) -> str:
    """Percent-encode a key or a value of a query; a space becomes `+`.

    Example:
        >>> quote_plus("a b&c")
        'a+b%26c'
    """
    return quote(text, safe=" ").replace(" ", "+")


def take_apart(text: str) -> Raw:
    """Take a URI apart; nothing is decoded.

    Example:
        >>> take_apart("s3://bucket/a%20b?n=1")
        ('s3', 'bucket', '/a%20b', 'n=1', '')
    """
    head, _, fragment = text.partition("#")
    path, _, query = head.partition("?")
    scheme, colon, rest = path.partition(":")
    if colon and _SCHEME.fullmatch(scheme):
        path = rest
    else:
        scheme = ""
    if not path.startswith("//"):
        return scheme, "", path, query, fragment
    authority, slash, path = path[2:].partition("/")
    return scheme, authority, slash + path, query, fragment


def _path(raw: Raw) -> str:
    return unquote(raw[2])


def _host(raw: Raw) -> str:
    return raw[1].rpartition("@")[2]


def _userinfo(raw: Raw) -> str:
    return raw[1].rpartition("@")[0]


def _origin(raw: Raw) -> str:
    scheme, host, path = raw[0].lower(), _host(raw), _path(raw)
    return f"{scheme}://{host}{path}" if scheme or host else path


PARTS: Mapping[str, Callable[[Raw], str]] = {
    "scheme": lambda raw: raw[0].lower(),
    "authority": lambda raw: raw[1],
    "userinfo": lambda raw: unquote(_userinfo(raw)),
    "username": lambda raw: unquote(_userinfo(raw).partition(":")[0]),
    "password": lambda raw: unquote(_userinfo(raw).partition(":")[2]),
    "host": _host,
    "path": _path,
    "filename": lambda raw: _path(raw).rpartition("/")[2],
    "fragment": lambda raw: unquote(raw[4]),
    "origin": _origin,
}
"""The names that stand for pieces of a URI, and what reads each: decoded, but for the
authority and the host. Every other name is a query key."""


PLAIN_PARTS: Mapping[str, Callable[[Raw], str]] = {
    "scheme": PARTS["scheme"],
    "authority": itemgetter(1),
    "host": itemgetter(1),
    "path": itemgetter(2),
    "filename": lambda raw: raw[2].rpartition("/")[2],
    "fragment": itemgetter(4),
    "origin": PARTS["origin"],
}
"""What reads those pieces of what `PLAIN` has taken apart: nothing is to be decoded."""


def split_uri(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Take a URI apart.

    Returns:
        The pieces by name (see `PARTS`), empty where absent, and the pairs of the
        query in order.

    Example:
        >>> parts, query = split_uri("s3://bucket/a%20b.json?n=1")
        >>> (parts["host"], parts["path"], parts["filename"], query)
        ('bucket', '/a b.json', 'a b.json', [('n', '1')])
    """
    raw = take_apart(text)
    return {name: read(raw) for name, read in PARTS.items()}, split_query(raw[3])


def split_options(
    text: str, is_option: Callable[[str], object]
) -> tuple[str, list[tuple[str, str]]]:
    """Split a path that is taken literally from the options behind it.

    A file may have `?` in its name: options are what begins with the key of one.

    Example:
        >>> split_options("a?b.json?n=1", "n".__eq__)
        ('a?b.json', [('n', '1')])
        >>> split_options("a?b=1", "n".__eq__)
        ('a?b=1', [])
    """
    path, mark, query = text.rpartition("?")
    key, equals, _ = query.partition("=")
    if mark and equals and is_option(unquote(key)):
        return path, split_query(query)
    return text, []


def split_query(text: str) -> list[tuple[str, str]]:
    """Take a URL query apart; `parse_qsl` does the same in thrice the time.

    A stray `%` or `=` is text; a key without `=` has an empty value.

    Example:
        >>> split_query("a=1&b&c=x+%26")
        [('a', '1'), ('b', ''), ('c', 'x &')]
    """
    pairs = [piece.partition("=")[::2] for piece in text.split("&") if piece]
    if "%" in text or "+" in text:
        pairs = [(_plain(key), _plain(value)) for key, value in pairs]
    return pairs


def _plain(text: str) -> str:
    return unquote(text.replace("+", " "))


def addresses_of(text: str, port: int) -> list[tuple[str, int]]:
    """Return hosts and ports, as options and URLs name several servers.

    Args:
        text: Each is `HOST` or `HOST:PORT`; with commas in between.
        port: That of those without one.

    Raises:
        ValueError: One of them is no such thing.

    Example:
        >>> addresses_of("a:4223,b", 4222), addresses_of("::1", 4222)
        ([('a', 4223), ('b', 4222)], [('::1', 4222)])
    """
    return [_address(one.strip(), port) for one in text.split(",")]


def _address(text: str, port: int) -> tuple[str, int]:
    host, colon, number = text.rpartition(":")
    if not colon or number.endswith("]") or (":" in host and not host.endswith("]")):
        host, number = text, str(port)
    if not (host.strip("[]") and number.isdecimal() and int(number) < 65536):
        raise ValueError(f"a server is HOST or HOST:PORT, not {text!r}")
    return host.strip("[]"), int(number)


def join_uri(parts: Mapping[str, str], query: Iterable[tuple[str, str]]) -> str:
    """Put a URI together; `origin` gives scheme, host and path at once.

    Example:
        >>> join_uri({"path": "/a b"}, [("n", "1")])
        '/a%20b?n=1'
    """
    text = quote(parts.get("origin", ""), safe=_SAFE)
    if scheme := parts.get("scheme"):
        text = f"{scheme}:{text}"
    path = parts.get("path") or parts.get("filename", "")
    authority = parts.get("authority") or _authority(parts)
    if authority or path.startswith("//"):  # such a path alone would be an authority
        text += f"//{authority}"
    text += quote(path, safe=_SAFE)
    if pairs := "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in query):
        text += f"?{pairs}"
    if fragment := parts.get("fragment"):
        text += "#" + quote(fragment, safe="/?:@")
    return text


def _authority(parts: Mapping[str, str]) -> str:
    userinfo = quote(parts.get("userinfo", ""), safe=":")
    if username := parts.get("username"):
        userinfo = quote(username, safe="")
        if password := parts.get("password"):
            userinfo += ":" + quote(password, safe="")
    host = parts.get("host", "")
    return f"{userinfo}@{host}" if userinfo else host
