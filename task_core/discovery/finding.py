"""What the doctor says about one plugin or distribution."""

from enum import StrEnum

import attrs

from task_core.discovery.found import Found


class Level(StrEnum):
    """How bad it is."""

    OK = "OK"
    INFO = "INFO"
    WARN = "WARN"
    FAIL = "FAIL"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that the doctor noticed.

    Args:
        code: For example `P01`; `P00` is a plugin in good health.
        level: How bad it is.
        kind, name: The plugin; empty when it is about the whole distribution.
        distribution: Who brings it.
        cause: What is so, in one line.
        fix: What to do, in one line; empty when there is nothing to do.
    """

    code: str
    level: Level
    kind: str = ""
    name: str = ""
    distribution: str = ""
    cause: str
    fix: str = ""


def about(found: Found, code: str, level: Level, cause: str, fix: str = "") -> Finding:
    """Make a finding about one plugin."""
    return Finding(
        code=code,
        level=level,
        kind=found.kind,
        name=found.name,
        distribution=found.distribution,
        cause=cause,
        fix=fix,
    )
