"""Rules of `task_core.config.faults`: what only the author of options can mend."""

from pathlib import Path

import attrs
import pytest

from task_core.config.faults import Fault, faults_of, wrong_validators
from task_core.config.resolve import Resolver
from task_core.config.selection import CommonOptions
from task_core.config.sources import Section, flag_layer
from task_core.errors import PluginContractError
from task_core.options import UrlPart, option

GE = attrs.validators.ge(1)


def made(kind, *args, **more):
    """Return a class with one option."""
    n = option(*args, help="N.", **more)
    return attrs.frozen(type("O", (), {"n": n, "__annotations__": {"n": kind}}))


@pytest.mark.parametrize(
    ("options", "text", "harmless"),
    [
        (made(int, "three"), "the default of its option 'n' is no int: 'three'", False),
        (made(int, True), "the default of its option 'n' is no int: True", False),
        (made(int, None), "the default of its option 'n' is no int: None", True),
        (made(Path, "a"), "the default of its option 'n' is no Path: 'a'", True),
        (made(tuple[str, ...], []), "the default of its option 'n' is no tuple", True),
        (
            made(int, 0, validator=GE),
            "its option 'n' refuses its own default: must be >= 1, got 0",
            False,
        ),
        (
            made(int, 3, validator=lambda value: value > 1),
            "the validator of 'n' must take (instance, attribute, value)",
            False,
        ),
        (made(str, "a", url="hosts"), "its option 'n' asks for url='hosts': ", False),
    ],
)
def test_an_option_that_its_author_must_mend_is_told(options, text, harmless):
    """Each in one line."""
    [fault] = faults_of(options)
    assert fault.text.startswith(text)
    assert fault.harmless is harmless


@pytest.mark.parametrize(
    "options",
    [
        CommonOptions,
        made(int | None, None),
        made(float, 3),
        made(tuple[str, ...], ("a",)),
        made(int, 1, validator=GE),
        made(int),
    ],
)
def test_good_options_have_no_faults(options):
    """Also those that have no default."""
    assert not [*faults_of(options)]


def test_two_options_cannot_share_a_name_or_a_part_of_the_url():
    """Nobody could say which of them is meant."""

    @attrs.frozen
    class Same:
        n_: int = option(3, help="N.")
        n: int = option(3, help="N.")

    @attrs.frozen
    class Url:
        a: str = option("", help="A.", url=UrlPart.PATH)
        b: str = option("", help="B.", url=UrlPart.PATH)

    assert [*faults_of(Same)] == [Fault("2 of its options are called 'n'")]
    assert [*faults_of(Url)] == [Fault("'a' and 'b' both ask for the path of a URL")]


def test_options_that_refuse_their_defaults_together_are_told():
    """Their class may look at several at once."""

    @attrs.frozen
    class Options:
        a: str = option("x", help="A.")

        def __attrs_post_init__(self):
            raise ValueError("a must be y")

    text = "its options cannot be made of their defaults: a must be y"
    assert [*faults_of(Options)] == [Fault(text)]
    with pytest.raises(PluginContractError, match=text):
        Resolver().resolve(Section(options=Options, table=("bus", "x")), [])


@pytest.mark.parametrize(
    ("options", "flags", "text"),
    [
        (made(int, 0, validator=GE), {}, "refuses its own default"),
        (made(int, 3, validator=lambda value: value), {}, "the validator of 'n'"),
        (made(int, 3, validator=lambda value: value), {"n": ["4"]}, "the validator"),
        (made(int, "a"), {}, "the default of its option 'n' is no int: 'a'"),
        (made(int, True), {}, "the default of its option 'n' is no int: True"),
        (made(tuple[int, ...], ("a",)), {}, "the default of its option 'n' is no"),
    ],
)
def test_nobody_is_blamed_for_what_the_author_did(options, flags, text):
    """What was set is good, or nothing was."""
    section = Section(options=options, table=("worker", "x"), flag="worker-")
    with pytest.raises(PluginContractError, match=text):
        Resolver().resolve(section, [flag_layer(section, flags)])


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (made(int, "a"), {"n": ["4"]}),
        (made(int, None), {}),
        (made(Path, "a"), {}),
        (made(float, 3), {}),
        (made(tuple[str, ...], ["a"]), {}),
    ],
)
def test_a_default_that_harms_nobody_stops_no_launch(options, flags):
    """It is not in force, or nearly as good as one of its type."""
    section = Section(options=options, table=("worker", "x"), flag="worker-")
    assert Resolver().resolve(section, [flag_layer(section, flags)])


def test_the_validator_of_a_parameter_may_be_wrong_too():
    """Each task would be told that its info is."""
    record = attrs.make_class("P", {"n": attrs.field(validator=lambda value: value)})
    record.__annotations__ = {"n": int}
    text = "the validator of 'n' must take (instance, attribute, value)"
    assert [*wrong_validators(record)] == [Fault(text)]
