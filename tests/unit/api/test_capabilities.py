"""Rules of `task_core.api.capabilities`."""

import inspect

import attrs
import pytest

from task_core.api.capabilities import Capabilities, require
from task_core.errors import UnsupportedCapabilityError

NAMES = [field.name for field in attrs.fields(Capabilities)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_declared_is_refused(name):
    """Every capability is "no" by default; the error names bus and capability."""
    with pytest.raises(UnsupportedCapabilityError) as caught:
        require(Capabilities(), name, "pipe")
    expected = f"bus 'pipe' cannot do this: it does not offer '{name}'; choose a bus"
    assert str(caught.value).startswith(expected)


def test_the_refusal_tells_what_was_wanted():
    """A user must know which of the flags it was."""
    with pytest.raises(UnsupportedCapabilityError, match="cannot do --retries: "):
        require(Capabilities(), "delay", "pipe", "--retries")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_declared_is_let_through(name):
    """And only that."""
    declared = Capabilities(**{name: 1})
    require(declared, name, "pipe")
    others = [other for other in NAMES if other != name]
    assert not any(getattr(declared, other) for other in others)


def test_a_mistyped_capability_is_a_bug():
    """It must not look like one that is missing."""
    with pytest.raises(AttributeError):
        require(Capabilities(), "acks", "pipe")


def test_a_declaration_does_not_change():
    """What was true at the start stays true."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Capabilities().ack = True


def test_every_capability_is_documented():
    """Authors read nothing else about it."""
    text = inspect.getdoc(Capabilities)  # from 3.13 on, `__doc__` has no indent
    for name in NAMES:
        assert f"\n    {name}: " in text
