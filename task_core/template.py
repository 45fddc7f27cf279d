"""Templates of info strings: `{yyyy}/{mm}/{dd}` and friends become the parts of a time.

Tokens are read in any case and replaced wherever they stand, up to the first `#` that
is not the first character; unknown ones are left as they are.

    {YYYY} {YY} {MM} {DD} {HH} {min}    2026 26 01 31 09 05
    {TS}                                20260131T090500
    {HOUR_SLUG} {SLUG}                  2026/01/31/09
    {DAY_SLUG} {MONTH_SLUG}             2026/01/31    2026/01
    {HOST} {POD}                        name of this host; its last two parts at dashes
    {uuid}                              8 random hexadecimal digits, one draw a template
    {meta:key}                          a value of a task's meta, empty when it has none
"""

import re
import socket
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

_TOKEN = re.compile(r"\{(?:meta:(?P<key>\w+)|(?P<name>\w+))\}", re.IGNORECASE)
_LAYOUTS = {
    "yyyy": "%Y",
    "yy": "%y",
    "mm": "%m",
    "dd": "%d",
    "hh": "%H",
    "min": "%M",
    "ts": "%Y%m%dT%H%M%S",
    "hour_slug": "%Y/%m/%d/%H",
    "slug": "%Y/%m/%d/%H",
    "day_slug": "%Y/%m/%d",
    "month_slug": "%Y/%m",
}


def expand(
    template: str, moment: datetime, meta: Mapping[str, str] | None = None
) -> str:
    """Replace the tokens of a template.

    Args:
        template: The text.
        moment: The time that the date tokens name, in its own time zone.
        meta: Where `{meta:key}` looks; such tokens are left alone without it.

    Example:
        >>> expand("s3://b/{yyyy}/{mm}?n={meta:n}", datetime(2026, 1, 31), {"n": "7"})
        's3://b/2026/01?n=7'
    """
    cut = template.find("#", 1)
    head, rest = (template, "") if cut < 0 else (template[:cut], template[cut:])
    draw = uuid.uuid4().hex[:8]

    def value(match: re.Match[str]) -> str:
        if key := match["key"]:
            return match[0] if meta is None else meta.get(key, "")
        name = match["name"].lower()
        if name in _LAYOUTS:
            return moment.strftime(_LAYOUTS[name])
        return draw if name == "uuid" else _HOST.get(name, lambda: match[0])()

    return _TOKEN.sub(value, head) + rest


def keys(template: str) -> list[str]:
    """Return the keys of the `{meta:key}` tokens, in order.

    Example:
        >>> keys("{meta:file}?x={meta:n}")
        ['file', 'n']
    """
    return [match["key"] for match in _TOKEN.finditer(template) if match["key"]]


def _pod() -> str:
    return "-".join(socket.gethostname().split("-")[-2:])


_HOST: dict[str, Callable[[], str]] = {"host": socket.gethostname, "pod": _pod}
