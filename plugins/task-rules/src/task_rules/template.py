"""Templates of info strings: `{yyyy}/{mm}/{dd}` and friends become the parts of a time.

Tokens are read in any case and replaced wherever they stand; unknown ones are left as
they are. From the first `#` that is not the first character on, only `{meta:key}` is.

    {YYYY} {YY} {MM} {DD} {HH} {min}    2026 26 01 31 09 05
    {TS}                                20260131T090500
    {HOUR_SLUG} {SLUG}                  2026/01/31/09
    {DAY_SLUG} {MONTH_SLUG}             2026/01/31    2026/01
    {HOST} {POD}                        name of this host; its last two parts at dashes
    {uuid}                              8 random hexadecimal digits, one draw a template
    {meta:key}                          a value of a task's meta, empty when it has none
"""

import os
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from task_rules.names import nearest

_TOKEN = re.compile(r"\{(?:meta:(?P<key>\w+)|(?P<name>\w+))\}", re.IGNORECASE)
_BRACES = re.compile(r"\{(\s*(?:meta:[^{}\"]*|[\w-]+)\s*)\}", re.IGNORECASE)
"""What may have been meant as a token; JSON is not."""
_WORDS = {
    "date": "day_slug",
    "day": "dd",
    "meta": "meta:key",
    "month": "mm",
    "hour": "hh",
    "minute": "min",
    "time": "ts",
    "timestamp": "ts",
    "year": "yyyy",
}
"""What people write for tokens that have other names."""
# `%Y` alone writes the year 987 with three digits.
_LAYOUTS = {
    "yyyy": "{0.year:04}",
    "yy": "{0:%y}",
    "mm": "{0.month:02}",
    "dd": "{0.day:02}",
    "hh": "{0.hour:02}",
    "min": "{0.minute:02}",
    "ts": "{0.year:04}{0:%m%dT%H%M%S}",
    "hour_slug": "{0.year:04}/{0:%m/%d/%H}",
    "slug": "{0.year:04}/{0:%m/%d/%H}",
    "day_slug": "{0.year:04}/{0:%m/%d}",
    "month_slug": "{0.year:04}/{0:%m}",
}


def expand(
    template: str, moment: datetime | None, meta: Mapping[str, str] | None = None
) -> str:
    """Replace the tokens of a template.

    Args:
        template: The text.
        moment: The time that the date tokens name, in its own time zone. Without one
            only `{meta:key}` is replaced.
        meta: Where `{meta:key}` looks; such tokens are left alone without it.

    Example:
        >>> expand("s3://b/{yyyy}/{mm}?n={meta:n}", datetime(2026, 1, 31), {"n": "7"})
        's3://b/2026/01?n=7'
    """
    cut = template.find("#", 1)
    end = len(template) if cut < 0 else cut
    draw = ""

    def drawn() -> str:
        nonlocal draw
        draw = draw or uuid.uuid4().hex[:8]
        return draw

    def value(match: re.Match[str]) -> str:
        if key := match["key"]:
            return match[0] if meta is None else meta.get(key, "")
        if moment is None or match.start() > end:
            return match[0]
        name = match["name"].lower()
        if layout := _LAYOUTS.get(name):
            return layout.format(moment)
        return drawn() if name == "uuid" else _HOST.get(name, lambda: match[0])()

    return _TOKEN.sub(value, template)


def keys(template: str) -> list[str]:
    """Return the keys of the `{meta:key}` tokens, in order.

    Example:
        >>> keys("{meta:file}?x={meta:n}")
        ['file', 'n']
    """
    return [match["key"] for match in _TOKEN.finditer(template) if match["key"]]


def unknown_names(template: str) -> list[str]:
    """Return the names in braces that are no token.

    Example:
        >>> unknown_names("{yyyy}/{mon}/{day-slug}?x={meta:n}&y={meta}")
        ['mon', 'day-slug', 'meta']
    """
    found = (match for match in _BRACES.finditer(template))
    return [
        match[1]
        for match in found
        if not (token := _TOKEN.fullmatch(match[0]))
        or (token["name"] and token["name"].lower() not in NAMES)
    ]


def meant(name: str) -> str:
    """Return `: did you mean 'x'?` for a name in braces that is no token, or nothing.

    Example:
        >>> meant("day-slug")
        ": did you mean 'day_slug'?"
    """
    plain = name.strip().lower()
    if plain.startswith("meta:"):
        return ": a key has letters, digits and _"
    if other := _WORDS.get(plain):
        return f": did you mean {other!r}?"
    return nearest(plain, NAMES)


def _host() -> str:
    return os.uname().nodename


def _pod() -> str:
    return "-".join(_host().split("-")[-2:])


_HOST: dict[str, Callable[[], str]] = {"host": _host, "pod": _pod}
NAMES = (*_LAYOUTS, *_HOST, "uuid")
"""What may stand in braces, beside `meta:key`."""
