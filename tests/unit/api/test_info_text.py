"""Rules of `format_info`; that what it writes reads back is in `test_info.py`."""

from datetime import datetime, timedelta

import attrs
import pytest

from task_core.api import format_info, param
from task_core.errors import InfoError


@attrs.frozen(kw_only=True)
class Params:
    """Fields whose values may not come back."""

    path: str = ""
    table: str | None = "t"
    count: int = 0
    ratio: float = 0.0
    flag: bool = False
    wait: timedelta = timedelta(0)
    at: datetime | None = None
    names: list[str] = attrs.Factory(list)
    columns: dict[str, str] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Demanding:
    """A field that must be given, and a class inside."""

    table: str | None
    inner: Params = Params()


def test_info_is_written_sorted_and_encoded_and_without_defaults():
    """So that equal parameters give equal text."""
    params = Params(path="/a b", table="x&y", count=3, names=["b", "a"])
    assert format_info(params) == "/a%20b?count=3&names=b%2Ca&table=x%26y"


@pytest.mark.parametrize(
    ("params", "why"),
    [
        (Params(names=["a,b"]), "names: ['a,b'] would be read as ['a', 'b']"),
        (Params(names="abc"), "names: 'abc' would be read as ['abc']"),
        (Params(names=("a",)), "names: ('a',) would be read as ['a']"),
        (
            Params(columns={"a": "b|c"}),
            "columns: not a map like key:value|key:value: 'c'",
        ),
        (Params(path="no-slash:x"), "path: 'no-slash:x' would be read as 'x'"),
        (Params(table=None), "table: None would be read as 't'"),
        (Params(count="1"), "count: '1' would be read as 1"),
        (Params(count=1.5), "count: not a whole number: '1.5'"),
        (Params(ratio=float("nan")), "ratio: not a number: 'nan'"),
        (Params(flag="yes"), "flag: neither true nor false: 'yes'"),
        (Params(wait=30), "wait: 30 of what? Give a unit, for example 30s"),
        (Params(count="1", ratio="2"), "count: '1' would be read as 1; ratio: '2'"),
        (Demanding(table=""), "table is required"),
        (Demanding(table=None), "table is required"),
        (
            Demanding(table="t", inner=Params(names=["a,b"])),
            "names: ['a,b'] would be read as ['a', 'b']",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else None,
)
def test_a_value_that_would_not_read_back_is_named_with_what_would_be_read(params, why):
    """An error now, not another file tomorrow; and which of ten it is."""
    with pytest.raises(InfoError) as caught:
        format_info(params)
    text = str(caught.value)
    assert text.startswith(f"cannot be written as an info string: {why}")


def test_a_date_without_a_zone_is_not_written():
    """It would be another moment elsewhere."""
    with pytest.raises(InfoError, match="at: datetime.* would be read as datetime"):
        format_info(Params(at=datetime(2017, 1, 1)))


def test_a_value_that_cannot_be_written_is_told_in_one_short_line():
    """However long it is."""
    with pytest.raises(InfoError) as caught:
        format_info(Params(names=[",\n" * 5000]))
    assert len(str(caught.value)) <= 200
    assert len(str(caught.value).splitlines()) == 1


def test_values_that_read_back_are_written_whatever_the_class_calls_equal():
    """Two objects of a class without `__eq__` differ, their fields do not."""

    @attrs.frozen(eq=False)
    class Unequal:
        x: int

    assert format_info(Unequal(1)) == "?x=1"


def test_a_missing_part_is_not_written():
    """None is no host."""

    @attrs.frozen
    class Place:
        host: str | None = param(None)

    assert format_info(Place()) == ""


def test_a_default_that_depends_on_others_is_written():
    """It cannot be worked out apart."""

    @attrs.frozen
    class Pair:
        x: int
        y: int = attrs.field(
            default=attrs.Factory(lambda self: self.x, takes_self=True)
        )

    assert format_info(Pair(1)) == "?x=1&y=1"
