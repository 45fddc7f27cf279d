"""Strings like those before are read in the shortest way, and as any other."""

import functools
from dataclasses import dataclass, field

import attrs
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from task_core.errors import InfoError
from task_core.info import parser_of


@attrs.frozen
class Usual:
    """Parts that must be given, and keys of which some need not."""

    path: str
    host: str
    table: str
    batch: int = 1
    dry: bool = False


@attrs.frozen
class Parts:
    """Parts that need not be given."""

    path: str
    host: str = ""
    table: str = ""


@attrs.frozen
class Keys:
    """Keys alone, of which one has another name, and one cannot be given by place."""

    table: str
    batch: int = 1
    rows: list[int] = attrs.field(factory=list, kw_only=True)


@dataclass
class Data:
    """The same of the standard library."""

    authority: str
    table: str = field(metadata={"name": "a.b"})
    batch: int = 1


class Struct(msgspec.Struct):
    """The same of msgspec."""

    fragment: str
    path: str
    table: str = "t"


def telling(init):
    """Wrap a constructor as many do."""

    @functools.wraps(init)
    def wrapper(self, *values, **named):
        init(self, *values, **named)
        self.told = f"{len(values)} {sorted(named)}"

    return wrapper


@dataclass
class Wrapped:
    """One whose constructor takes others than it seems to."""

    table: str
    batch: int = 1
    told: str = field(default="", init=False)


Wrapped.__init__ = telling(Wrapped.__init__)


@attrs.define(init=False)
class Own:
    """One with a constructor of its own, which asks for less."""

    table: str
    batch: int
    dry: bool = False

    def __init__(self, batch=1, table="t", dry=False):
        self.__attrs_init__(table, batch, dry)


KINDS = (Usual, Parts, Keys, Data, Struct, Wrapped, Own)
LIKE = "s3://bucket/a.csv?table=t&batch=2"
WORDS = "s3: // bucket / a.csv ? & = table=t batch=2 batch=x dry=true a.b=1 rows=1 #top"
ODD = "%20 + @ : table=é table= axb=1"
PIECES = st.sampled_from([*WORDS.split(), *ODD.split()])
STRINGS = st.lists(PIECES, max_size=9).map("".join)


def outcome(read, info):
    """Return what comes of an info string, whatever that is."""
    try:
        return read(info)
    except InfoError as error:
        return error.problems


def parser_that_knows(params, info, strict=True):
    """Return a new parser that has read a string as often as it takes."""
    parser = parser_of.__wrapped__(params, strict)
    for _ in range(2):
        outcome(parser, info)
    return parser


@pytest.mark.parametrize("params", KINDS)
@given(before=STRINGS, info=STRINGS, strict=st.booleans())
@example(before=LIKE, info=LIKE.replace("2", "x"), strict=True)
@example(before=LIKE, info=LIKE.replace("bucket", ""), strict=True)
@example(before="/a.csv?table=t", info="s3://bucket/a.csv?table=t", strict=True)
@example(before="?table=t&batch=2", info="s3://bucket/?table=t&batch=2", strict=False)
@example(before="//h?a.b=1", info="//h?axb=1", strict=True)
@example(before="/a#top", info="/a#", strict=True)
@example(before="?batch=2&table=t", info="?batch=2&table=t", strict=True)
@example(before="?batch=2", info="?batch=2", strict=True)
@example(before="?table=t&batch=2", info="", strict=True)
def test_what_was_read_before_makes_no_difference(params, before, info, strict):
    """Also when a part is there that was not, or a value is wrong."""
    parser = parser_that_knows(params, before, strict)
    assert outcome(parser, info) == outcome(parser._thoroughly, info)


@pytest.mark.parametrize(
    ("params", "info"),
    [
        (Usual, LIKE),
        (Usual, f"{LIKE}&dry=true"),
        (Usual, "s3://bucket/a.csv?batch=2&table=t"),
        (Parts, "//host/a?table=t"),
        (Keys, "?batch=7&table=t"),
        (Data, "//h?a.b=1"),
        (Data, "//h?batch=7&a.b=1"),
    ],
)
def test_the_third_of_a_kind_is_read_in_the_shortest_way(params, info, monkeypatch):
    """Not piece by piece: that takes half as long again."""
    parser = parser_that_knows(params, info)
    monkeypatch.delattr(type(parser), "_by_piece")
    assert parser(info) == parser._thoroughly(info)


def test_what_a_constructor_asks_for_is_not_all_that_is_required():
    """The class says that."""
    for info in ("?batch=2", "?batch=2", ""):
        assert "table is required" in outcome(parser_of(Own, strict=True), info)
    read = parser_that_knows(Own, "?batch=2&table=u")
    assert read("?batch=2&table=u") == Own(2, "u")


def test_any_other_error_of_a_constructor_is_its_own():
    """However often strings like it have been read."""

    @dataclass
    class Broken:
        table: str
        batch: int = 1

        def __post_init__(self):
            if self.table == "x":
                raise KeyError(self.table)

    knows = parser_that_knows(Broken, "?table=t&batch=2")
    for read in (knows, knows._by_piece, knows._thoroughly):
        with pytest.raises(KeyError, match="^'x'$"):
            read("?table=x&batch=2")


def test_kinds_that_take_turns_are_each_read_as_they_are():
    """No more is learned of them than once."""
    parser = parser_that_knows(Usual, LIKE)
    other = "s3://bucket/b.csv?table=u"
    for _ in range(3):
        assert parser(LIKE) == Usual("/a.csv", "bucket", "t", 2)
        assert parser(other) == Usual("/b.csv", "bucket", "u")
