"""The rules file, read into rules; what is wrong with it is told all at once."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from task_rules.file import read_document
from task_rules.moments import read_length
from task_rules.table import Table, filled, text, whole

from task_core.api import OptionError
from task_taskmaster_retry.rule import Rule

OFF = "-"
"""As a topic: nothing is sent there."""
WAIT, MAX_WAIT = 10.0, 3600.0
FACTOR, JITTER = 2.0, 0.2


@attrs.frozen(kw_only=True)
class Rules:
    """What a file says.

    Args:
        rules: Its rules, in order: the first that fits a task counts.
        done_topic, done_channel: Where done tasks are read.
        retried_topic: Gets a copy of all that is sent again; empty for none.
        failed_topic: Gets what is given up; empty for none.
    """

    rules: Sequence[Rule]
    done_topic: str
    done_channel: str
    retried_topic: str
    failed_topic: str


def read_rules(path: Path) -> Rules:
    """Read the rules file.

    Raises:
        OptionError: It cannot be read, or rules are wrong: all of them are told.
    """
    file = read_document(path)
    rules: list[Rule] = []
    for number, table in enumerate(file.tables("rule"), 1):
        rule = _rule(table, number)
        _refuse_unreachable(rule, rules, table)
        rules.append(rule)
    if not rules and not file.problems:
        file.note("at least one rule is required: write [[rule]] and its keys")
    root = file.root
    root.take("rule", _any, None)
    root.take("bus", _any, None)  # of the Go program: here --bus says it
    made = Rules(
        rules=rules,
        done_topic=root.take("done_topic", filled, "done"),
        done_channel=root.take("done_channel", filled, "retry"),
        retried_topic=root.take("retried_topic", _topic, "retried"),
        failed_topic=root.take("retry_failed_topic", _topic, "retry-failed"),
    )
    root.finish()
    if file.problems:
        raise OptionError(file.told())
    return made


def _rule(table: Table, number: int) -> Rule:
    type_ = table.require("type")
    if "retry" not in table:
        table.note("retry is required: how often a task is sent again")
    rule = Rule(
        number=number,
        type=type_,
        job=table.take("job", text, ""),
        match=table.take("match", _pattern, None),
        retry=table.take("retry", whole, 0),
        wait=table.take("wait", _seconds, WAIT),
        factor=table.take("factor", partial(_number, least=1.0), FACTOR),
        max_wait=table.take("max_wait", _seconds, MAX_WAIT),
        jitter=table.take("jitter", partial(_number, most=1.0), JITTER),
        topic=table.take("topic", filled, type_),
    )
    if rule.wait > rule.max_wait:
        key = "max_wait" if "max_wait" in table else "wait"
        table.note("wait is longer than max_wait, which it would be cut to", key)
    table.finish()
    return rule


def _refuse_unreachable(rule: Rule, before: Sequence[Rule], table: Table) -> None:
    """Note a rule whose tasks all go to one before it."""
    for other in before:
        same = other.type == rule.type and other.job in ("", rule.job)
        if same and (other.match is None or other.match == rule.match):
            if not table.problems:
                table.note(f"it is never reached: rule {other.number} takes its tasks")
            return


def _any(value: Any) -> Any:
    return value


def _topic(value: Any) -> str:
    return "" if text(value).strip() in ("", OFF) else text(value).strip()


def _pattern(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(filled(value))
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None


def _seconds(value: Any) -> float:
    return read_length(value).total_seconds()


def _number(value: Any, *, least: float = 0.0, most: float = 100.0) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"must be a number, not {value!r}")  # noqa: TRY004  as others
    if not least <= value <= most:
        raise ValueError(f"must be from {least:g} to {most:g}, not {value!r}")
    return float(value)
