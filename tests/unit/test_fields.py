"""Rules of `task_core.fields`: three kinds of classes, read by one engine."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Annotated, Optional

import attrs
import msgspec
import pytest

from task_core.fields import fields_of, is_record, param, without_none


@attrs.frozen
class Attrs:
    path: str
    dest: str = param("b", name="dest-template")
    names: list[str] = attrs.Factory(lambda: ["x"])


@dataclass
class Data:
    path: str
    dest: str = dataclass_field(default="b", metadata={"name": "dest-template"})
    names: list[str] = dataclass_field(default_factory=lambda: ["x"])


class Struct(msgspec.Struct):
    path: str
    dest: str = msgspec.field(default="b", name="dest-template")
    names: list[str] = msgspec.field(default_factory=lambda: ["x"])


@pytest.mark.parametrize("record", [Attrs, Data, Struct])
def test_an_attrs_class_a_dataclass_and_a_struct_are_read_alike(record):
    """Names, types, defaults and what is required."""
    assert is_record(record)
    path, dest, names = fields_of(record)
    assert [f.name for f in (path, dest, names)] == ["path", "dest-template", "names"]
    assert [f.attribute for f in (path, dest, names)] == ["path", "dest", "names"]
    assert [f.required for f in (path, dest, names)] == [True, False, False]
    assert [f.type for f in (path, dest, names)] == [str, str, list[str]]
    assert (path.default, dest.default, names.default) == (attrs.NOTHING, "b", ["x"])
    assert names.default is not names.default


@pytest.mark.parametrize("kind", [int, dict, object(), list[str], None])
def test_whatever_else_there_is_has_no_fields(kind):
    """The text says what would."""
    assert not is_record(kind)
    with pytest.raises(TypeError, match="no attrs class, dataclass or msgspec Struct"):
        fields_of(kind)


def test_fields_that_the_constructor_does_not_take_are_left_out():
    """They are nobody's to give."""

    @dataclass
    class Made:
        x: int
        y: int = dataclass_field(init=False, default=1)

    assert [field.name for field in fields_of(Made)] == ["x"]


def test_a_default_that_looks_at_others_is_not_known():
    """It is not required either."""

    @attrs.frozen
    class Made:
        b: int = 1
        d: int = attrs.Factory(lambda self: self.b, takes_self=True)

    _, field = fields_of(Made)
    assert (field.required, field.default) == (False, attrs.NOTHING)


class Bounded(msgspec.Struct):
    count: Annotated[int, msgspec.Meta(ge=1)]


def test_what_a_struct_demands_of_a_value_is_checked():
    """Its constructor does not."""
    (field,) = fields_of(Bounded)
    assert field.type is int
    assert field.check(1) == 1
    with pytest.raises(ValueError, match=">= 1"):
        field.check(0)


@pytest.mark.parametrize(
    ("kind", "single"),
    [
        (int, int),
        (int | None, int),
        (Optional[int], int),  # noqa: UP045  authors may write it so
        (list[int] | None, list[int]),
        (int | str | None, int | str | None),
        (None, None),
    ],
)
def test_only_none_is_taken_from_a_type(kind, single):
    """What is left of several types stays what it was."""
    assert without_none(kind) == single
