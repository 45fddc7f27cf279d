"""What is told of a backload that does as it is asked, and may be meant otherwise."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from task_rules import template as templates
from task_rules.dates import By
from task_rules.names import nearest

_BRACES = re.compile(r"\{([\w-]+)\}")


def odd_tokens(template: str) -> Iterator[str]:
    """Tell of names in braces that are no token; they stay as they are.

    Example:
        >>> list(odd_tokens("{day-slug}?x={meta:n}"))
        ["template has {day-slug}, which stays as it is: did you mean 'day_slug'?"]
    """
    for name in dict.fromkeys(_BRACES.findall(template)):
        if name.lower() not in templates.NAMES:
            hint = nearest(name, templates.NAMES)
            yield f"template has {{{name}}}, which stays as it is{hint}"


def bare_end(
    said: Mapping[str, str], read: Mapping[str, datetime], by: By
) -> Iterator[str]:
    """Tell that the last day of a range of hours has only its first one.

    Args:
        said: `from` and `to`, as they were written.
        read: The same, as dates.
        by: The step.
    """
    last = max(read, key=lambda key: read[key])
    text = said[last]
    if by == By.HOUR and "T" not in text:
        yield f"{last} {text} is hour 00 of that day: write {text}T23 for all of it"
