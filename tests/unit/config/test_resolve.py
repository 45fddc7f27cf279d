"""Rules of `task_core.config.resolve`."""

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

import attrs
import msgspec
import pytest
from attrs.validators import ge, in_, le, matches_re

from task_core.config.resolve import Resolver, convert
from task_core.config.sources import Layer, Raw, Section, environment_layer, flag_layer
from task_core.options import option
from task_core.shown import HIDDEN


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Options:
    hosts: tuple[str, ...] = option(("a:1",), help="Hosts.")
    ports: tuple[int, ...] = option((), help="Ports.")
    count: int = option(1, help="How many.", validator=ge(1))
    rate: float = option(1.0, help="How fast.")
    wait: timedelta = option(timedelta(seconds=1), help="How long.")
    colour: Colour = option(Colour.RED, help="Which.", validator=in_(Colour))
    name: str = option("", help="Who.", validator=matches_re("[a-z]*"))
    file: Path | None = option(None, help="Where.")
    token: str = option("", help="Secret.", secret=True, validator=matches_re("[a-z]*"))
    tls: bool = option(False, help="Encrypt.")


SECTION = Section(options=Options, table=("bus", "nsq"), flag="bus-")
SPECS = {spec.name: spec for spec in SECTION.specs}


def layer(origin="task.toml, line 3", **values):
    """Return what one source says."""
    return Layer(values={k: Raw(value=v, origin=origin) for k, v in values.items()})


def resolve(*layers, section=SECTION):
    """Return the options object and the resolver."""
    resolver = Resolver()
    return resolver.resolve(section, layers), resolver


def problems(*layers, section=SECTION):
    """Return what is wrong."""
    options, resolver = resolve(*layers, section=section)
    assert options is None
    return resolver.problems


def test_the_strongest_source_wins_value_by_value():
    """The others count where it says nothing."""
    options, resolver = resolve(
        layer("first", count=("3",)), layer("second", count=("4",), tls=True)
    )
    assert options == Options(count=3, tls=True)
    origins = {s.spec.name: s.origin for s in resolver.settings}
    assert origins["count"] == "first"
    assert origins["tls"] == "second"
    assert origins["wait"] == "default"


def test_a_weaker_value_is_not_even_looked_at():
    """Whatever is wrong with it, it does not count."""
    assert resolve(layer(count=("3",)), layer(count=("x",)))[0].count == 3


def test_all_that_is_wrong_is_told_at_once():
    """One run shows everything there is to mend."""
    flags = flag_layer(SECTION, {"count": ["x"]})
    env = environment_layer(SECTION, {"TASK_BUS_NSQ_WAIT": "5", "TASK_BUS_NSQ_X": "1"})
    names = ", ".join(SPECS)
    assert problems(flags, env, layer(tls="perhaps")) == [
        f"environment TASK_BUS_NSQ_X: bus nsq has no option 'x'; it has {names}",
        "--bus-count: not a whole number: 'x'",
        "bus.nsq.wait (TASK_BUS_NSQ_WAIT): 5 of what? Give a unit, for example 5s",
        "bus.nsq.tls (task.toml, line 3): not true or false: 'perhaps'",
    ]


def test_what_two_sections_share_is_told_once():
    """One plugin may be the bus to read and the bus to write."""
    resolver = Resolver()
    for flag in ("in-bus-", "out-bus-"):
        section = msgspec.structs.replace(SECTION, flag=flag)
        resolver.resolve(section, [layer(count=0)])
    assert len(resolver.problems) == 1


def test_a_missing_value_is_told_with_the_ways_to_give_it():
    """Flag and variable."""
    kind = attrs.make_class("Kind", {"token": attrs.field(type=str)})
    section = Section(options=kind, table=("bus", "x"), flag="bus-")
    assert problems(section=section) == [
        "bus.x.token is required: give --bus-token or set TASK_BUS_X_TOKEN"
    ]


def test_spaces_around_commas_do_not_count():
    """As they are written for the eye; a text without commas is as it stands."""
    flags = {"hosts": ["a:1, b:2 ,,", " c"], "ports": ["1, 2"]}
    options, _ = resolve(flag_layer(SECTION, flags))
    assert options.hosts == ("a:1", "b:2", " c")
    assert options.ports == (1, 2)


def test_a_list_of_a_program_may_have_commas_in_its_items():
    """As one of TOML; a text of it is separated as on the command line."""
    section = msgspec.structs.replace(SECTION, called=True)
    options, _ = resolve(flag_layer(section, {"hosts": ["a,b", "c"]}))
    assert options.hosts == ("a,b", "c")
    options, _ = resolve(flag_layer(section, {"hosts": ("a,b", "c")}))
    assert options.hosts == ("a", "b", "c")
    options, _ = resolve(flag_layer(SECTION, {"hosts": ["a,b", "c"]}))
    assert options.hosts == ("a", "b", "c")


def test_an_unknown_name_is_told_with_the_nearest():
    """A typing error is seen at once."""
    unknown = Layer(unknown={"host": "environment TASK_BUS_NSQ_HOST"})
    [line] = problems(unknown)
    assert line.endswith("bus nsq has no option 'host': did you mean 'hosts'?")


def test_a_lenient_section_overlooks_unknown_names():
    """`task send` reads only a part of `[launch]`."""
    section = msgspec.structs.replace(SECTION, strict=False)
    assert resolve(Layer(unknown={"x": "there"}), section=section)[0] == Options()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"count": 0}, "count (task.toml, line 3): must be >= 1, got 0"),
        ({"name": "A"}, "name (task.toml, line 3): must match regex '[a-z]*'"),
    ],
)
def test_validators_speak_plainly(values, text):
    """Neither attrs nor its arguments are shown."""
    [line] = problems(layer(**values))
    assert line.startswith(f"bus.nsq.{text}")
    assert "attr" not in line


def test_a_number_is_a_text_where_a_validator_tells_which_texts_there_are():
    """To write it in quotes would not always do; the validator says what is wrong."""
    [line] = problems(layer(name=10))
    assert "name (task.toml, line 3): must match regex '[a-z]*' ('10' " in line


def test_a_validator_does_not_judge_a_default():
    """None may mean that nothing was said."""
    assert resolve()[0] == Options()


@pytest.mark.parametrize(("count", "text"), [(0, ">= 1"), (10, "must be <= 9")])
def test_an_annotation_and_a_validator_are_both_kept(count, text):
    """Neither stands for the other."""

    @attrs.frozen(kw_only=True)
    class Bounded:
        count: Annotated[int, msgspec.Meta(ge=1)] = option(
            1, help="How many.", validator=le(9)
        )

    section = msgspec.structs.replace(SECTION, options=Bounded)
    [line] = problems(layer(count=count), section=section)
    assert text in line


def test_a_class_may_refuse_a_combination():
    """What no single value is to blame for names the table."""

    @attrs.frozen(kw_only=True)
    class Pair:
        a: int = option(0, help="x")
        b: int = option(0, help="x")

        def __attrs_post_init__(self):
            if self.a and self.b:
                raise ValueError("give a or b, not both")

    section = Section(options=Pair, table=("bus", "pair"), flag="bus-")
    assert problems(layer(a=1, b=1), section=section) == [
        "bus.pair: give a or b, not both"
    ]


def test_secrets_are_in_no_error_and_in_no_listing():
    """Neither whole nor in part."""
    [line] = problems(layer(token=("S3CRET",)))
    assert line == f"bus.nsq.token (task.toml, line 3): not a good value: {HIDDEN}"
    _, resolver = resolve(layer(token=("s",)))
    assert {s.spec.name: s.shown for s in resolver.settings}["token"] == HIDDEN


def test_passwords_are_in_no_error():
    """An address may hold one, though it is no secret as a whole."""
    [line] = problems(layer(count=("//u:s3cret@h",)))
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("hosts", ("a,b",), ("a", "b")),
        ("hosts", ("a", "b,c"), ("a", "b", "c")),
        ("hosts", ["a,b", "c"], ("a,b", "c")),
        ("hosts", [], ()),
        ("hosts", "a,b", ("a", "b")),
        ("hosts", ("",), ()),
        ("ports", ("1,2",), (1, 2)),
        ("ports", [1, 2], (1, 2)),
        ("ports", 1, (1,)),
        ("count", ("1", "2"), 2),
        ("count", 3, 3),
        ("rate", 2, 2.0),
        ("rate", ("1.5",), 1.5),
        ("wait", ("1m30s",), timedelta(seconds=90)),
        ("wait", "0", timedelta(0)),
        ("wait", 0, timedelta(0)),
        ("colour", ("blue",), Colour.BLUE),
        ("file", "a b", Path("a b")),
        ("tls", True, True),
        ("tls", ("Yes",), True),
        ("tls", ("off",), False),
        ("name", 3, "3"),
    ],
)
def test_texts_and_toml_values_become_typed_values(name, raw, value):
    """Commas part the values of a text; in a TOML list they are what they are."""
    assert convert(SPECS[name], raw) == value


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("count", 1.5, "not a whole number: '1.5'"),
        ("count", True, "not NUMBER but a boolean"),
        ("count", [1], "not NUMBER but a list"),
        ("count", [], "not NUMBER but a list"),
        ("count", {"x": 1}, "not NUMBER but a table"),
        ("hosts", [["a"]], "not TEXT but a list"),
        ("hosts", {"x": 1}, "not TEXT but a table"),
        ("hosts", [1], "a text is wanted: write '1'"),
        ("hosts", 3, "a text is wanted: write '3'"),
        ("name", 3.5, "a text is wanted: write '3.5'"),
        ("wait", 5, "5 of what? Give a unit, for example 5s"),
        ("wait", ("+5",), "of what? Give a unit, for example 5s"),
        ("wait", ("-5s",), "must not be negative: '-5s'"),
        ("wait", ("-5",), "of what? Give a unit, for example 5s"),
        ("wait", ("soon",), "soon"),
        ("colour", ("green",), "'green' is none of red, blue"),
        ("tls", ("perhaps",), "not true or false: 'perhaps'"),
        ("tls", ["true"], "not true or false"),
        ("tls", "", "not true or false: ''"),
        ("tls", ("",), "not true or false: ''"),
        ("rate", ("nan",), "not a number: 'nan'"),
    ],
)
def test_what_does_not_fit_is_refused(name, raw, text):
    """In words that say what would."""
    with pytest.raises((ValueError, TypeError)) as raised:
        convert(SPECS[name], raw)
    assert text in str(raised.value)
