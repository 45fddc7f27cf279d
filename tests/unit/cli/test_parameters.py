"""Rules of `task_core.cli.parameters`."""

import attrs
import click
import pytest

from task_core.cli.parameters import SectionOption, flags_of
from task_core.config.sources import Section
from task_core.options import option
from task_core.shown import HIDDEN


@attrs.frozen(kw_only=True)
class Options:
    hosts: tuple[str, ...] = option(("a:1", "b:2"), help="Hosts.", metavar="HOST")
    concurrency: int = option(1, help="How many.")
    tls: bool = option(False, help="Encrypt.")
    token: str = option("x", help="Secret.", secret=True)
    key: str = option(help="Needed.")


BUS = Section(options=Options, table=("bus", "x"), flag="in-bus-")
LAUNCH = Section(options=Options, table=("launch",))


def parse(section, *words):
    """Return what the words say, by option."""
    params = [SectionOption(section, spec) for spec in section.specs]
    command = click.Command("x", params=params)
    with command.make_context("x", [*words]) as context:
        return flags_of(context.params, section)


def records(section):
    """Return the lines of the help, by option."""
    context = click.Context(click.Command("x"))
    params = [SectionOption(section, spec) for spec in section.specs]
    return {param.spec.name: param.get_help_record(context) for param in params}


def test_what_was_not_given_is_not_there():
    """Then a weaker source counts."""
    assert parse(BUS) == {}


def test_flags_of_a_plugin_carry_its_role():
    """Two buses of one kind can be told different things."""
    assert parse(BUS, "--in-bus-concurrency", "3") == {"concurrency": ["3"]}


def test_values_are_kept_as_texts():
    """They are converted, and refused, together with those of other sources."""
    assert parse(BUS, "--in-bus-concurrency", "x") == {"concurrency": ["x"]}


def test_a_flag_may_be_repeated():
    """For several values."""
    words = ("--in-bus-hosts", "a", "--in-bus-hosts", "b")
    assert parse(BUS, *words) == {"hosts": ["a", "b"]}


def test_an_empty_value_is_a_value():
    """It is how a default is taken away."""
    assert parse(BUS, "--in-bus-token", "") == {"token": [""]}


@pytest.mark.parametrize(
    ("flag", "text"), [("--in-bus-tls", "true"), ("--no-in-bus-tls", "false")]
)
def test_a_switch_can_be_turned_on_and_off(flag, text):
    """Off too, for when the file says on."""
    assert parse(BUS, flag) == {"tls": [text]}


def test_only_flags_of_a_command_have_short_forms():
    """They are few, and must mean one thing."""
    assert parse(LAUNCH, "-c", "2") == {"concurrency": ["2"]}
    with pytest.raises(click.NoSuchOption):
        parse(BUS, "-c", "2")


def test_help_tells_placeholder_default_and_need():
    """All that one must know to give it."""
    lines = records(BUS)
    assert lines["hosts"] == ("--in-bus-hosts HOST", "Hosts.  [default: a:1,b:2]")
    assert lines["key"] == ("--in-bus-key TEXT", "Needed.  [required]")
    assert lines["tls"] == ("--in-bus-tls / --no-in-bus-tls", "Encrypt.")


@attrs.frozen(kw_only=True)
class Mistaken:
    """Options whose author took a default of a wrong type."""

    ports: tuple[int, ...] = option(5, help="Where.")
    names: tuple[str, ...] = option("ab", help="Who.")
    hosts: tuple[str, ...] = option(["a", "b"], help="There.")


def test_help_shows_a_default_of_a_wrong_type_as_it_is():
    """Who looks for the mistake sees it; the doctor tells of it."""
    section = Section(options=Mistaken, table=("worker", "x"), flag="worker-")
    shown = {spec.name: SectionOption(section, spec).help for spec in section.specs}
    assert shown == {
        "ports": "Where.  [default: 5]",
        "names": "Who.  [default: ab]",
        "hosts": "There.  [default: a,b]",
    }


def test_help_does_not_tell_a_secret():
    """Not even a default one."""
    assert lines_of_token() == f"Secret.  [default: {HIDDEN}]"


def lines_of_token():
    return records(BUS)["token"][1]
