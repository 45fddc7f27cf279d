"""Rules of `task_core.options`: which classes of options there can be."""

from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs.validators import ge

from task_core.errors import PluginContractError
from task_core.options import UrlPart, option, options_of
from task_core.shown import HIDDEN


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Options:
    nsqd: tuple[str, ...] = option(("a:1", "b:2"), help="Hosts.", metavar="HOST:PORT")
    max_in_flight: int = option(1, help="How many.")
    wait: timedelta | None = option(None, help="How long.")
    colour: Colour = option(Colour.RED, help="Which.")
    token: str = option(help="Secret.", secret=True)
    tls: bool = option(False, help="Encrypt.")
    state: str = attrs.field(init=False, default="none of the user's business")


SPECS = {field.name: field for field in options_of(Options)}


def make(kind, default=attrs.NOTHING):
    """Return a class with one option of a type."""
    return attrs.make_class("Made", {"x": attrs.field(type=kind, default=default)})


@attrs.frozen
class Declared:
    """Options of some plugin."""

    path: str = option(help="Where.", url=UrlPart.PATH, metavar="PATH")
    count: int = option(1, help="How many.", validator=ge(1))
    token: str = option("", help="Password.", secret=True)
    plain: int = 7


def test_a_required_option_is_a_required_argument():
    """As every attrs field."""
    with pytest.raises(TypeError, match="path"):
        Declared()
    assert Declared(path="/a").count == 1


def test_options_are_given_by_name():
    """Their order is no part of the contract."""

    @attrs.frozen
    class Single:
        path: str = option(help="Where.")

    with pytest.raises(TypeError, match="positional"):
        Single("/a")


def test_a_validator_guards_the_value():
    """As on any attrs field."""
    with pytest.raises(ValueError, match="'count' must be >= 1: 0"):
        Declared(path="/a", count=0)


def test_a_secret_is_never_shown():
    """Objects end up in logs."""
    assert "hunter2" not in repr(Declared(path="/a", token="hunter2"))


def test_an_option_that_takes_the_password_of_a_url_is_a_secret():
    """Its author need not think of it."""

    @attrs.frozen(kw_only=True)
    class Login:
        password: str = option("", help="Password.", url=UrlPart.PASSWORD)

    (field,) = options_of(Login)
    assert field.show("hunter2") == HIDDEN
    assert "hunter2" not in repr(Login(password="hunter2"))


def test_what_was_declared_can_be_asked_for():
    """A plain field is an option without details."""
    path, _, token, plain = options_of(Declared)
    said = (path.details.help, path.details.url, path.details.metavar)
    assert said == ("Where.", UrlPart.PATH, "PATH")
    assert token.details.secret
    assert plain.details.help == ""


def test_options_come_in_the_order_of_the_class():
    """Help shows them as their author ordered them."""
    names = ["nsqd", "max_in_flight", "wait", "colour", "token", "tls"]
    assert [*SPECS] == names


@pytest.mark.parametrize(
    ("kind", "single", "multiple"),
    [
        (str, str, False),
        (int | None, int, False),
        (tuple[Path, ...], Path, True),
        (tuple[float, ...] | None, float, True),
        (bool, bool, False),
        (timedelta, timedelta, False),
        (Colour, Colour, False),
    ],
)
def test_a_type_tells_the_single_value_and_whether_there_are_several(
    kind, single, multiple
):
    """`| None` says no more than that it may stay unset."""
    [spec] = options_of(make(kind))
    assert (spec.kind, spec.multiple) == (single, multiple)


@pytest.mark.parametrize(
    "kind",
    [
        dict,
        list[str],
        datetime,
        int | str,
        tuple[int, int],
        tuple[bool, ...],
        Any,
        None,
    ],
)
def test_an_unsupported_type_is_its_authors_mistake(kind):
    """The text names class, field, type and what there is instead."""
    with pytest.raises(PluginContractError, match=r"Made\.x: .*use str, int") as raised:
        options_of(make(kind))
    assert str(kind) in str(raised.value)


def test_a_default_that_depends_on_others_is_its_authors_mistake():
    """Help could not show it, and the option is not required either."""

    @attrs.frozen
    class Made:
        x: int = 1
        y: int = attrs.field(
            default=attrs.Factory(lambda self: self.x, takes_self=True)
        )

    with pytest.raises(PluginContractError, match=r"Made\.y: the default"):
        options_of(Made)


def test_only_attrs_classes_declare_options():
    """Another class has no fields to read."""
    with pytest.raises(PluginContractError, match="attrs class"):
        options_of(dict)


def test_types_that_cannot_be_looked_up_are_their_authors_mistake():
    """Annotations may be strings; one that names nothing is no traceback."""
    with pytest.raises(PluginContractError, match="types of Made are unknown.*Nowhere"):
        options_of(make("Nowhere"))


def test_annotations_may_be_strings():
    """With `from __future__ import annotations` all of them are."""
    assert options_of(make("int"))[0].kind is int


def test_a_private_field_is_set_by_its_public_name():
    """As attrs names the argument."""
    kind = attrs.make_class("Made", {"_x": attrs.field(type=int)})
    assert options_of(kind)[0].argument == "x"


def test_an_option_without_default_is_required():
    """And only such a one."""
    assert [name for name, spec in SPECS.items() if spec.required] == ["token"]


def test_a_default_may_come_from_a_factory():
    """A fresh value each time."""
    [spec] = options_of(make(tuple[str, ...], attrs.Factory(lambda: ("a",))))
    assert spec.default == ("a",)


@pytest.mark.parametrize(
    ("name", "metavar"),
    [
        ("nsqd", "HOST:PORT"),
        ("max_in_flight", "NUMBER"),
        ("wait", "DURATION"),
        ("colour", "[red|blue]"),
        ("token", "TEXT"),
    ],
)
def test_help_shows_what_kind_of_value_is_wanted(name, metavar):
    """Unless the author says so better."""
    assert SPECS[name].metavar == metavar


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("nsqd", ("a", "b"), "a,b"),
        ("nsqd", (), ""),
        ("wait", timedelta(seconds=90), "1m30s"),
        ("wait", None, ""),
        ("colour", Colour.BLUE, "blue"),
        ("tls", False, "false"),
        ("max_in_flight", 0, "0"),
        ("token", "s3cret", HIDDEN),
    ],
)
def test_values_are_shown_as_they_are_given(name, value, text):
    """So that what is shown can be pasted; a secret stays one."""
    assert SPECS[name].show(value) == text


def test_a_name_that_python_has_for_itself_loses_its_last_underscore():
    """`from_` in the class is `from` for people."""

    @attrs.frozen(kw_only=True)
    class Options:
        from_: str = option("new", help="Where to begin.")

    (spec,) = options_of(Options)
    assert (spec.name, spec.argument, spec.dashed) == ("from", "from_", "from")
