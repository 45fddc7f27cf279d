"""Rules of `task_core.config.schema`."""

from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pytest

from task_core.config.schema import (
    HIDDEN,
    Section,
    hide_passwords,
    specs_of,
    variable_prefix,
)
from task_core.errors import PluginContractError
from task_core.options import option


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


SECTION = Section(options=Options, table=("bus", "my-nsq"), flag="in-bus-")
SPECS = {spec.name: spec for spec in SECTION.specs}


def make(kind, default=attrs.NOTHING):
    """Return a class with one option of a type."""
    return attrs.make_class("Made", {"x": attrs.field(type=kind, default=default)})


def test_options_come_in_the_order_of_the_class():
    """Help shows them as their author ordered them."""
    names = ["nsqd", "max_in_flight", "wait", "colour", "token", "tls"]
    assert [spec.name for spec in SECTION.specs] == names


def test_names_in_each_source_follow_from_kind_plugin_and_field():
    """Flags carry the role; environment and TOML the plugin."""
    spec = SPECS["max_in_flight"]
    assert SECTION.flag_of(spec) == "--in-bus-max-in-flight"
    assert SECTION.env_of(spec) == "TASK_BUS_MY_NSQ_MAX_IN_FLIGHT"
    assert SECTION.key_of(spec) == "bus.my-nsq.max_in_flight"


def test_flags_of_a_command_have_no_prefix():
    """`--concurrency`, not `--launch-concurrency`."""
    section = Section(options=Options, table=("launch",))
    assert section.flag_of(section.specs[1]) == "--max-in-flight"
    assert section.env_of(section.specs[1]) == "TASK_LAUNCH_MAX_IN_FLIGHT"


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
    [spec] = specs_of(make(kind))
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
        specs_of(make(kind))
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
        specs_of(Made)


def test_only_attrs_classes_declare_options():
    """Another class has no fields to read."""
    with pytest.raises(PluginContractError, match="attrs class"):
        specs_of(dict)


def test_types_that_cannot_be_looked_up_are_their_authors_mistake():
    """Annotations may be strings; one that names nothing is no traceback."""
    with pytest.raises(PluginContractError, match="types of Made are unknown.*Nowhere"):
        specs_of(make("Nowhere"))


def test_annotations_may_be_strings():
    """With `from __future__ import annotations` all of them are."""
    assert specs_of(make("int"))[0].kind is int


def test_a_private_field_is_set_by_its_public_name():
    """As attrs names the argument."""
    kind = attrs.make_class("Made", {"_x": attrs.field(type=int)})
    assert specs_of(kind)[0].argument == "x"


def test_an_option_without_default_is_required():
    """And only such a one."""
    assert [name for name, spec in SPECS.items() if spec.required] == ["token"]


def test_a_default_may_come_from_a_factory():
    """A fresh value each time."""
    [spec] = specs_of(make(tuple[str, ...], attrs.Factory(lambda: ("a",))))
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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amqp://guest:s3cret@host:5672/x", f"amqp://guest:{HIDDEN}@host:5672/x"),
        ("redis://:s3cret@host", f"redis://:{HIDDEN}@host"),
        ("u:p@a:1,v:q@b:2", f"u:{HIDDEN}@a:1,v:{HIDDEN}@b:2"),
        ("user@host", "user@host"),
        ("host:4150", "host:4150"),
        ("mail me@home: soon", "mail me@home: soon"),
    ],
)
def test_passwords_in_addresses_are_never_shown(text, shown):
    """Although the option itself is no secret."""
    assert hide_passwords(text) == shown


def test_variables_of_a_longer_name_belong_to_another_plugin():
    """`TASK_BUS_NATS_CORE_URL` sets `url` of `nats-core`, no `core_url` of `nats`."""
    section = Section(
        options=Options, table=("bus", "nats"), others=(("bus", "nats-core"),)
    )
    assert section.owns_variable("TASK_BUS_NATS_URL")
    assert not section.owns_variable("TASK_BUS_NATS_CORE_URL")
    assert not section.owns_variable("TASK_BUS_FILE_PATH")


def test_environment_prefixes_are_upper_case_with_underscores():
    """As shells want them."""
    assert variable_prefix(("bus", "a-b")) == "TASK_BUS_A_B_"


def test_a_name_that_python_has_for_itself_loses_its_last_underscore():
    """`from_` in the class is `from` for people."""

    @attrs.frozen(kw_only=True)
    class Options:
        from_: str = option("new", help="Where to begin.")

    (spec,) = specs_of(Options)
    assert (spec.name, spec.argument, spec.dashed) == ("from", "from_", "from")
