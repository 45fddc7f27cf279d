"""RFC 3339 dates, as the wire and info strings carry them."""

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d{1,40}))?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)


def parse_date(text: str) -> datetime:
    """Read an RFC 3339 date and return it in UTC.

    Fractions beyond microseconds are cut off; a leap second (`:60`) counts as the
    second before it, because `datetime` has none.

    Raises:
        ValueError: The text is no RFC 3339 date, or of the year 0.

    Example:
        >>> parse_date("2017-01-01T01:00:01.5+01:00").isoformat()
        '2017-01-01T00:00:01.500000+00:00'
    """
    # fromisoformat reads much more than RFC 3339; the shape is checked first.
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 date: {text[:40]!r:.60}")
    day, minute, second, fraction, offset = match.groups()
    second = "59" if second == "60" else second
    plain = f"{day}T{minute}:{second}.{(fraction or '')[:6]:0<6}{offset.upper()}"
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(f"not an RFC 3339 date: {text[:40]!r:.60}") from None
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # a day beyond the calendar's ends; its own offset must do
        return moment
