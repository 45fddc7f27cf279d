"""What the tests of the taskmaster say in short."""

import json
from datetime import UTC, datetime

HOURLY = 'cron = "@hourly"\ntype = "load"\ntemplate = "{hh}"\n'


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


DAY = utc(2026, 1, 5)


def infos(sent):
    return [info for _, info, _ in sent]


def hours(first, last):
    return [f"{hour:02}" for hour in range(first, last)]


def done(place):
    """Up to when the state file says that each rule is done."""
    rules = json.loads(place.state.read_text())["rules"]
    return tuple(rule["done"] for rule in rules.values())
