"""A URI taken apart into named pieces, and put together again.

The standard library's `urlsplit` drops tabs and newlines and lower-cases hosts, so the
expression of RFC 3986, appendix B, does the splitting.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote

PARTS = frozenset(
    {
        "scheme",
        "host",
        "path",
        "userinfo",
        "username",
        "password",
        "filename",
        "authority",
        "fragment",
        "origin",
    }
)
"""The names that stand for pieces of a URI; every other name is a query key."""

_URI = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?",
    re.DOTALL,
)
_SAFE = "/:@!$&'()*,;=~"


def split_uri(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Take a URI apart.

    Returns:
        The pieces by name (see `PARTS`), decoded and empty where absent, and the
        pairs of the query in order.

    Example:
        >>> parts, query = split_uri("s3://bucket/a%20b.json?n=1")
        >>> (parts["host"], parts["path"], parts["filename"], query)
        ('bucket', '/a b.json', 'a b.json', [('n', '1')])
    """
    match = _URI.fullmatch(text)
    assert match is not None  # the expression takes any text
    scheme, authority, path, query, fragment = match.groups("")
    userinfo, _, host = authority.rpartition("@")
    username, _, password = userinfo.partition(":")
    decode = unquote if "%" in text else str
    scheme, path = scheme.lower(), decode(path)
    parts = {
        "scheme": scheme,
        "authority": authority,
        "userinfo": decode(userinfo),
        "username": decode(username),
        "password": decode(password),
        "host": host,
        "path": path,
        "filename": path.rpartition("/")[2],
        "fragment": decode(fragment),
        "origin": f"{scheme}://{host}{path}" if scheme or host else path,
    }
    return parts, split_query(query)


def split_query(text: str) -> list[tuple[str, str]]:
    """Take a URL query apart; `parse_qsl` does the same in thrice the time.

    A stray `%` or `=` is text; a key without `=` has an empty value.

    Example:
        >>> split_query("a=1&b&c=x+%26")
        [('a', '1'), ('b', ''), ('c', 'x &')]
    """
    pairs = [piece.partition("=") for piece in text.split("&") if piece]
    if "%" in text or "+" in text:
        return [(_plain(key), _plain(value)) for key, _, value in pairs]
    return [(key, value) for key, _, value in pairs]


def _plain(text: str) -> str:
    return unquote(text.replace("+", " "))


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
