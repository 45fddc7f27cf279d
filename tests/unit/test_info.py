"""Rules of `task_core.info`."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import attrs
import msgspec
import pytest
from attrs.validators import ge, instance_of, le
from hypothesis import example, given
from hypothesis import strategies as st

from task_core.api import format_info
from task_core.errors import InfoError, WorkerError
from task_core.fields import param
from task_core.info import parse_info, parser_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ITEMS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=",|:"), min_size=1
)


class Mode(enum.StrEnum):
    """Any enum."""

    FAST = "fast"
    SAFE = "safe"


@attrs.frozen(kw_only=True)
class Everything:
    """A field of each type."""

    path: str = ""
    text: str = ""
    flag: bool = False
    count: int = 0
    ratio: float = 0.0
    mode: Mode = Mode.SAFE
    file: Path = Path()
    every: timedelta = timedelta(0)
    at: datetime | None = None
    names: tuple[str, ...] = ()
    counts: list[int] = attrs.Factory(list)
    columns: dict[str, str] = attrs.Factory(dict)
    groups: dict[str, list[int]] = attrs.Factory(dict)


EVERYTHING = st.builds(
    Everything,
    path=TEXT.map(lambda text: f"/{text}"),
    text=TEXT,
    flag=st.booleans(),
    count=st.integers(),
    ratio=st.floats(allow_nan=False),
    mode=st.sampled_from(Mode),
    every=st.timedeltas(),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    names=st.lists(ITEMS).map(tuple),
    counts=st.lists(st.integers()),
    columns=st.dictionaries(ITEMS, ITEMS),
    groups=st.dictionaries(ITEMS, st.lists(st.integers(), min_size=1)),
)


def params_of(kind, default=attrs.NOTHING, **details):
    """Return an attrs class with one field called `x`."""
    field = param(default, **details)
    body = {"x": field, "__annotations__": {"x": kind}, "__doc__": "One field."}
    return attrs.frozen(type("Params", (), body))


def x_of(kind, info, default=attrs.NOTHING, **details):
    return parse_info(params_of(kind, default, **details), info).x


def problems(params, info):
    with pytest.raises(InfoError) as caught:
        parse_info(params, info)
    return list(caught.value.problems)


@given(EVERYTHING)
def test_what_is_written_reads_back(params):
    """For every type, whatever the values hold."""
    assert parse_info(Everything, format_info(params)) == params


@given(TEXT)
def test_any_info_gives_parameters_or_short_complaints(info):
    """No other exception, one line for each problem."""
    try:
        parse_info(Everything, info)
    except InfoError as error:
        assert all(len(problem) <= 200 for problem in error.problems)
        assert all(len(problem.splitlines()) == 1 for problem in error.problems)


@attrs.frozen
class Parts:
    """What can be read without decoding, and a key."""

    scheme: str = ""
    host: str = ""
    path: str = ""
    fragment: str = ""
    origin: str = ""
    a: int = 0
    b: str = param("", name="path2")


@attrs.frozen
class Demanding:
    """Most of it must be given."""

    path: str
    host: str
    a: int


PIECES = st.sampled_from(
    [*"/?&=#@%+:1\né", "s3:", "//", "host", "a=1", "a=x", "b?c", "path2=y", "b=", "%41"]
)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("params", [Parts, Demanding])
@given(info=st.lists(PIECES, max_size=12).map("".join))
@example(info="s3://u@h/x?a=1")
@example(info="s3:////x?a=1")
@example(info="//h?a=1#f")
def test_what_is_read_fast_is_what_is_read_thoroughly(params, strict, info):
    """Most strings need no decoding; which these are makes no difference."""
    parse = parser_of(params, strict)
    seen = []
    for read in (parse, parse._thoroughly):
        try:
            seen.append(read(info))
        except InfoError as error:
            seen.append(error.problems)
    assert seen[0] == seen[1]


NO_DATE = "not an RFC 3339 date like 2026-01-02T03:04:05Z"
URI = "s3://me:pw@bucket:80/dir/a%20b.csv?x=1#top"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scheme", "s3"),
        ("host", "bucket:80"),
        ("path", "/dir/a b.csv"),
        ("userinfo", "me:pw"),
        ("username", "me"),
        ("password", "pw"),
        ("filename", "a b.csv"),
        ("authority", "me:pw@bucket:80"),
        ("fragment", "top"),
        ("origin", "s3://bucket:80/dir/a b.csv"),
    ],
)
def test_a_field_takes_the_part_that_has_its_name(name, value):
    """`origin` leaves query, fragment and user out."""
    assert x_of(str, URI, name=name) == value


def test_a_part_wins_over_a_query_key_of_its_name():
    """A field called `path` is the path."""
    assert x_of(str, "/a?path=b", name="path") == "/a"
    assert problems(params_of(str, name="host"), "/a?host=b") == ["host is required"]


@pytest.mark.parametrize(
    ("kind", "info", "value"),
    [
        (str, "?x=a+b%09c", "a b\tc"),
        (str, "?x=a;b", "a;b"),
        (str, "?x=1&x=2", "1"),
        (bool, "?x", True),
        (bool, "?x=", True),
        (bool, "?x=TRUE", True),
        (bool, "?x=1", False),
        (int, "?x=-7", -7),
        (int | None, "?x=7", 7),
        (float, "?x=.5", 0.5),
        (Mode, "?x=fast", Mode.FAST),
        (Path, "?x=/a", Path("/a")),
        (timedelta, "?x=-24h", timedelta(hours=-24)),
        (timedelta, "?x=1000000", timedelta(milliseconds=1)),
        (datetime, "?x=2017-01-01T00:00:01Z", datetime(2017, 1, 1, 0, 0, 1, 0, UTC)),
        (list[str], "?x=a,b&x=c", ["a", "b", "c"]),
        (tuple[int, ...], "?x=1,2", (1, 2)),
        (Sequence[Mode], "?x=fast,safe", [Mode.FAST, Mode.SAFE]),
        (list[str], "?x=a,,b", ["a", "", "b"]),
        (dict[str, str], "?x=a:b|c:d&x=e:f", {"a": "b", "c": "d", "e": "f"}),
        (dict[str, str], "?x=id:", {"id": ""}),
        (dict[str, str], "?x=a:b|a:c", {"a": "c"}),
        (dict[str, list[str]], "?x=a:b,c&x=a:d", {"a": ["d"]}),
        (dict[str, str], "?x=a:b:c", {"a": "b:c"}),
        (dict[str, int], "?x=a:1", {"a": 1}),
        (dict[str, list[str]], "?x=k:a,b|k2:c,d", {"k": ["a", "b"], "k2": ["c", "d"]}),
    ],
)
def test_a_query_value_becomes_a_field(kind, info, value):
    """Lists by comma or repeated key, maps by bar, durations as Go writes them."""
    assert x_of(kind, info) == value


@pytest.mark.parametrize(
    ("kind", "info", "complaint"),
    [
        (str, "", "x is required"),
        (str, "?x=", "x is required"),
        (int, "?X=1", "x is required"),
        (int | None, "", "x is required"),
        (list[str], "?x=", "x is required"),
        (int, "?x=one", "x: not a whole number: 'one'"),
        (Mode, "?x=slow", "x: 'slow' is none of fast, safe"),
        (timedelta, "?x=1d", "x: not a duration like 10s or 1h30m: '1d'"),
        (datetime, "?x=2017", f"x: {NO_DATE}: '2017'"),
        (
            datetime,
            "?x=2026-01-02T03:04:05+01:00",
            f"x: {NO_DATE}: '2026-01-02T03:04:05 01:00' (+ is %2B in a URL)",
        ),
        (list[int], "?x=1,b", "x: not a whole number: 'b'"),
        (list[int], "?x=1,,2", "x: not a whole number: ''"),
        (dict[str, str], "?x=", "x: not a map like key:value|key:value: ''"),
        (dict[str, str], "?x=a:b|c", "x: not a map like key:value|key:value: 'c'"),
        (dict[str, int], "?x=a:b", "x: not a whole number: 'b'"),
    ],
)
def test_a_bad_value_names_its_field(kind, info, complaint):
    """One line that says what was expected and what was there."""
    assert problems(params_of(kind), info) == [complaint]


@pytest.mark.parametrize(
    ("kind", "default", "info", "value"),
    [
        (str, "d", "", "d"),
        (str, "d", "?x=", ""),
        (int, 3, "?x=", 3),
        (bool, True, "", True),
        (bool, True, "?x=false", False),
        (int | None, None, "", None),
        (tuple[str, ...], ("a",), "?x=", ()),
    ],
)
def test_a_default_stands_in_for_what_is_missing(kind, default, info, value):
    """A blank text or list is a value, a blank number is missing."""
    assert x_of(kind, info, default) == value


def test_unknown_keys_are_left_alone():
    """As the Go system does: another worker may read them."""
    assert x_of(int, "/a?x=1&y=2#z") == 1


@pytest.mark.parametrize(
    ("info", "complaint"),
    [
        ("/a?bach=50", "there is no key 'bach': did you mean 'batch'?"),
        ("/a?zzz", "there is no key 'zzz'; there is batch, mode"),
        ("/a?path=b", "'path' is a part of the URI: it cannot be a key"),
        ("/a?Batch=1", "there is no key 'Batch': did you mean 'batch'?"),
    ],
)
def test_a_strict_reader_refuses_keys_that_it_does_not_know(info, complaint):
    """A typing error would give the default, and nobody would see it."""

    @attrs.frozen
    class Params:
        path: str
        batch: int = 1
        mode: str = "m"

    assert parse_info(Params, info).batch == 1
    with pytest.raises(InfoError) as caught:
        parse_info(Params, info, strict=True)
    assert caught.value.problems == (complaint,)
    assert parse_info(Params, "/a?batch=3", strict=True).batch == 3


@dataclass(frozen=True)
class Data:
    path: str
    count: int = 1
    names: list[str] = dataclass_field(default_factory=list)


class Struct(msgspec.Struct, frozen=True):
    path: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    names: list[str] = []


@pytest.mark.parametrize("params", [Data, Struct])
def test_a_dataclass_and_a_struct_are_parameters_as_well(params):
    """They read, complain and are written like an attrs class."""
    made = params("/a", 3, ["x", "y"])
    assert parse_info(params, "/a?count=3&names=x,y") == made
    assert format_info(made) == "/a?count=3&names=x%2Cy"
    assert parse_info(params, "/a?names=x&names=y").names == ["x", "y"]
    assert problems(params, "?count=x") == [
        "path is required",
        "count: not a whole number: 'x'",
    ]


@dataclass
class BoundedData:
    path: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


@attrs.frozen
class BoundedAttrs:
    path: str
    count: Annotated[int, msgspec.Meta(ge=1)] = param(1, validator=le(9))


@pytest.mark.parametrize("params", [Struct, BoundedData, BoundedAttrs])
@pytest.mark.parametrize("info", ["/a?count=0", "/a?count=0&count=1"])
def test_what_an_annotation_demands_is_kept(params, info):
    """Whatever the kind of class, and however its values are written."""
    assert problems(params, info) == ["count: Expected `int` >= 1"]


def test_a_validator_is_asked_once_beside_such_a_demand():
    """By the constructor."""
    seen = []
    params = params_of(
        Annotated[int, msgspec.Meta(ge=1)],
        validator=lambda made, field, value: seen.append(value),
    )
    parser = parser_of(params)
    parser._thoroughly("?x=1")
    assert seen == [1]
    assert problems(BoundedAttrs, "/a?count=10") == ["'count' must be <= 9: 10"]


@attrs.frozen
class Usual:
    path: str
    table: str
    batch: int = 1
    dry: bool = False


def outcome(read, info):
    """Return what comes of an info string, whatever that is."""
    try:
        return read(info)
    except InfoError as error:
        return error.problems


WORDS = "s3: // bucket / ? & = table batch dry path 1 x %20 + # @ : 9: é:// a"
PIECES = st.sampled_from([*WORDS.split(), " "])


@given(st.lists(PIECES, max_size=14).map("".join), st.booleans())
def test_the_short_way_reads_what_the_long_one_does(info, strict):
    """It is for most strings, and leaves the others alone."""
    parser = parser_of(Usual, strict)
    assert outcome(parser, info) == outcome(parser._thoroughly, info)


@attrs.frozen(kw_only=True)
class Three:
    """Some required fields."""

    path: str
    count: int
    mode: Mode = Mode.SAFE


def test_all_problems_are_told_at_once():
    """So that the sender mends them in one go."""
    assert problems(Three, "?mode=x") == [
        "path is required",
        "count is required",
        "mode: 'x' is none of fast, safe",
    ]


@attrs.frozen
class Output:
    """A class inside of others."""

    dest: str
    gzip: bool = False


@attrs.frozen
class Copy:
    """Two views of one URI."""

    path: str
    first: Output
    second: Output | None = None


def test_a_nested_class_reads_the_same_uri():
    """It groups parameters; it adds no names."""
    output = Output(dest="/b", gzip=True)
    expected = Copy(path="/a", first=output, second=output)
    assert parse_info(Copy, "/a?dest=/b&gzip") == expected


@attrs.frozen
class Both:
    """Two that must be given."""

    first: Output
    second: Output


def test_equal_problems_are_told_once_with_their_number():
    """Nested classes ask for one key more than once."""
    assert problems(Both, "/a") == ["[2] dest is required"]


@dataclass
class Inner:
    mode: str = "a"
    count: int = 1
    columns: dict[str, str] = dataclass_field(default_factory=dict)


@dataclass
class Within:
    inner: Inner


@dataclass
class Choices:
    path: str
    inner: Inner | None = None
    made: Inner = dataclass_field(default_factory=lambda: Inner("b"))
    output: Output | None = None
    deep: Within | None = None


def test_a_nested_class_with_a_default_may_be_left_out():
    """As any other field: also where something in it is required."""
    assert parse_info(Choices, "/a", strict=True) == Choices("/a")
    assert problems(Choices, "/a?gzip") == ["dest is required"]
    inner = Inner("c")
    expected = Choices("/a", inner, inner, deep=Within(inner))
    assert parse_info(Choices, "/a?mode=c", strict=True) == expected


@pytest.mark.parametrize("inner", [None, Inner(), Inner(count=2)])
def test_so_it_is_written(inner):
    """One that is as its own class has it, but not as the class around, is as well."""

    @dataclass
    class Outer:
        path: str
        inner: Inner | None = None

    @dataclass
    class Outermost:
        outer: Outer | None = None

    for params in (Outer("/a", inner), Outermost(Outer("/a", inner))):
        assert parse_info(type(params), format_info(params), strict=True) == params
    assert format_info(Outer("/a", Inner(count=2))) == "/a?count=2"


def test_what_a_nested_class_cannot_be_is_not_written():
    """None, where its default is another."""
    with pytest.raises(InfoError, match="made: None would be read as Inner"):
        format_info(Choices("/a", made=None))


def test_a_validator_speaks_for_its_field():
    """Its text is the problem."""
    params = params_of(int, validator=[ge(1), le(9)])
    assert parse_info(params, "?x=9").x == 9
    assert problems(params, "?x=0") == ["'x' must be >= 1: 0"]


def test_a_validator_of_types_is_a_problem_as_well():
    """It raises `TypeError`."""
    params = params_of(int, validator=instance_of(str))
    (problem,) = problems(params, "?x=0")
    assert problem.startswith("'x' must be <class 'str'>")
    assert len(problem) <= 200


def test_a_private_field_is_a_parameter_without_its_underscore():
    """The name of the query key is the field's own unless given."""

    @attrs.frozen
    class Params:
        _x: int = param(name="x")

    assert parse_info(Params, "?x=1") == Params(x=1)


def test_a_field_that_is_not_set_by_callers_is_left_alone():
    """`init=False` fields work as ever."""

    @attrs.frozen
    class Params:
        x: int
        double: int = attrs.field(init=False)

        @double.default
        def _doubled(self):
            return self.x * 2

    assert parse_info(Params, "?x=2&double=9").double == 4


def test_a_layout_reads_other_dates():
    """And writes them."""
    params = params_of(datetime, layout="%Y-%m-%d")
    value = parse_info(params, "?x=2017-01-02")
    assert value.x == datetime(2017, 1, 2, tzinfo=UTC)
    assert format_info(value) == "?x=2017-01-02"


@pytest.mark.parametrize(
    "kind",
    [
        bytes,
        object,
        set[str],
        date,
        Literal["x", "y"],
        tuple[int, str],
        dict[int, str],
        int | str,
        list,
    ],
)
def test_a_type_that_no_text_can_give_is_a_mistake_of_the_author(kind):
    """It is told before any task runs, with class and field."""
    with pytest.raises(
        WorkerError, match=r"^Params\.x: an info string cannot give .*, but str, bool,"
    ):
        parse_info(params_of(kind), "")


@dataclass
class Node:
    path: str
    child: "Node | None" = None


@dataclass
class Leaf:
    path: str
    tree: "Tree"


@dataclass
class Tree:
    leaf: Leaf | None = None


@pytest.mark.parametrize(
    ("params", "place"),
    [(Node, "Node.child"), (Leaf, "Tree.leaf"), (Tree, "Leaf.tree")],
)
def test_a_class_inside_of_itself_is_a_mistake_of_the_author(params, place):
    """It has no end, also where others are between."""
    text = f"^{place}: an info string cannot give {params.__name__} inside of itself, "
    with pytest.raises(WorkerError, match=text):
        parser_of(params)


def test_a_class_must_have_fields():
    """The error says how to mend it."""
    text = "is no attrs class, dataclass or msgspec Struct: decorate it with attrs"
    with pytest.raises(WorkerError, match=text):
        parse_info(int, "")


def test_an_annotation_must_name_a_type():
    """A typing error of the author is no `NameError` for the user."""
    params = params_of("Nowhere")
    with pytest.raises(WorkerError, match="^Params: no such type: name 'Nowhere'"):
        parse_info(params, "")


def test_an_annotation_may_be_text():
    """As `from __future__ import annotations` makes it."""
    assert x_of("int", "?x=1") == 1


@pytest.mark.parametrize("text", ["yes", "1", "on", "ture", "0", "no"])
def test_a_switch_that_is_neither_true_nor_false_is_an_error_where_keys_are(text):
    """`dry-run=1` must not run for real; Go takes it for false."""

    @attrs.frozen
    class Switched:
        dry: bool = False

    with pytest.raises(InfoError, match="^dry: neither true nor false: "):
        parse_info(Switched, f"?dry={text}", strict=True)
    assert parse_info(Switched, f"?dry={text}") == Switched(dry=False)
    for query, value in (("dry", True), ("dry=TRUE", True), ("dry=false", False)):
        assert parse_info(Switched, f"?{query}", strict=True).dry is value


@pytest.mark.parametrize(
    ("kind", "text"),
    [(list[bool], "true,yes"), (dict[str, bool], "a:yes"), (bool | None, "yes")],
)
def test_so_is_a_switch_among_others(kind, text):
    """In a list or a map."""
    with pytest.raises(InfoError, match="^x: neither true nor false: 'yes'$"):
        parse_info(params_of(kind), f"?x={text}", strict=True)


@pytest.mark.parametrize("kind", [timedelta, list[timedelta], dict[str, timedelta]])
@pytest.mark.parametrize("number", ["30", "-30", "+30"])
def test_a_duration_without_a_unit_is_an_error_where_keys_are(kind, number):
    """Who writes 30 means seconds; Go takes it for nanoseconds."""
    params = params_of(kind)
    head = "a:" if "dict" in str(kind) else ""
    info = f"?x={head}{number.replace('+', '%2B')}"
    with pytest.raises(InfoError) as caught:
        parse_info(params, info, strict=True)
    expected = f"x: {number} of what? Give a unit, for example 30s"
    assert caught.value.problems == (expected,)
    assert parse_info(params, info)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("30s", 30), ("-24h", -86400), ("1m30s", 90)],
)
def test_a_duration_with_a_unit_is_read_where_keys_are(text, value):
    """Nothing needs none, and a negative one is for the worker to judge."""
    params = params_of(timedelta)
    read = parse_info(params, f"?x={text}", strict=True)
    assert read.x == timedelta(seconds=value)
