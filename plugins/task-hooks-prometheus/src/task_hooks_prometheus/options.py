"""What can be set for the metrics."""

from itertools import pairwise

import attrs
from attrs.validators import ge

from task_core.api import option

BUCKETS = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600)
"""Seconds: from tiny tasks to those of an hour."""


def _grow(instance: object, field: object, value: tuple[float, ...]) -> None:
    """Buckets that do not grow would count nothing."""
    if not value or any(one >= other for one, other in pairwise(value)):
        raise ValueError("wants some numbers, each greater than the one before")


@attrs.frozen(kw_only=True)
class PrometheusOptions:
    """The options of `[hooks.prometheus]`."""

    buckets: tuple[float, ...] = option(
        BUCKETS,
        help="Seconds up to which each bucket of a histogram counts.",
        validator=_grow,
    )
    most_types: int = option(
        200,
        help="Task types, and topics, that have series of their own; the rest is"
        " 'other'.",
        validator=ge(1),
    )
    job: bool = option(
        False, help="Tell jobs apart as well: a label more, and more series."
    )
