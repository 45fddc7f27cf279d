"""Rules of `task_core.options`."""

import attrs
import pytest
from attrs.validators import ge

from task_core.options import OptionDetails, UrlPart, details_of, option


@attrs.frozen
class Options:
    """Options of some plugin."""

    path: str = option(help="Where.", url=UrlPart.PATH, metavar="PATH")
    count: int = option(1, help="How many.", validator=ge(1))
    token: str = option("", help="Password.", secret=True)
    plain: int = 7


def test_an_option_without_default_is_required():
    """As every attrs field."""
    with pytest.raises(TypeError, match="path"):
        Options()
    assert Options(path="/a").count == 1


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
        Options(path="/a", count=0)


def test_a_secret_is_never_shown():
    """Objects end up in logs."""
    assert "hunter2" not in repr(Options(path="/a", token="hunter2"))


@pytest.mark.parametrize(
    ("name", "details"),
    [
        ("path", OptionDetails(help="Where.", url=UrlPart.PATH, metavar="PATH")),
        ("token", OptionDetails(help="Password.", secret=True)),
        ("plain", OptionDetails()),
    ],
)
def test_what_was_declared_can_be_asked_for(name, details):
    """A plain attrs field is an option without details."""
    declared = details_of(attrs.fields_dict(Options)[name])
    assert attrs.asdict(declared) == attrs.asdict(details)
