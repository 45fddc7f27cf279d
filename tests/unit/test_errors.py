"""Rules of `task_core.errors`."""

import pickle
from copy import copy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from task_core import errors
from task_core.errors import (
    FrameworkError,
    InfoError,
    LeaseLostError,
    OptionError,
    PluginError,
    SendError,
    excerpt,
    nearest,
)
from task_core.shown import hide_secrets

CLASSES = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, Exception)
]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_of_one_tree(error):
    """Whatever is not one is a bug of the framework."""
    assert issubclass(error, FrameworkError)


@pytest.mark.parametrize("error", CLASSES)
def test_the_exit_code_tells_the_kind(error):
    """1 is no success, 2 usage, 3 a plugin, 4 a bus: scripts rely on it."""
    branches = {
        errors.DuplicateError: 1,  # nothing is wrong: it was sent before
        errors.UnsupportedCapabilityError: 2,  # whoever chose the bus can mend it
        errors.PluginError: 3,
        errors.BusError: 4,
    }
    codes = [code for root, code in branches.items() if issubclass(error, root)]
    assert error.exit_code == (codes[0] if codes else 2)


@pytest.mark.parametrize("error", [OptionError, InfoError])
def test_all_problems_are_told_at_once(error):
    """One line for each."""
    raised = error(["a is required", "b: not a number"])
    assert str(raised) == "a is required\nb: not a number"
    assert raised.problems == ("a is required", "b: not a number")


def test_a_send_error_tells_what_was_not_sent():
    """By its position in the list, so that the rest need not be sent again."""
    assert SendError("no answer from a:4150", [1, 3]).unsent == (1, 3)
    assert SendError("no answer").unsent == ()


@pytest.mark.parametrize(
    "error",
    [
        OptionError(["a is required", "b: not a number"]),
        PluginError("no such bus", code="P07", cause="none", fix="install one"),
        SendError("no answer", [1, 3], transient=True),
        LeaseLostError("it was handed out again", ["delivery"]),
    ],
)
def test_an_error_can_be_copied_and_pickled_as_it_is(error):
    """Threads and processes hand it on, whatever it was made of."""
    for other in (copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is type(error)
        assert (str(other), vars(other)) == (str(error), vars(error))


@given(st.text(), st.integers(5, 80))
def test_an_excerpt_is_one_line_within_its_limit(text, limit):
    """Whatever the text."""
    quoted = excerpt(text, limit)
    assert len(quoted) <= limit
    assert quoted.isprintable()
    assert quoted[0] == quoted[-1]


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=20))
def test_a_short_excerpt_is_the_quoted_text(text):
    """Nothing is cut that fits."""
    assume(hide_secrets(text) == text)
    assert excerpt(text) == repr(text)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("helo", ": did you mean 'hello'?"),
        ("loda", ": did you mean 'load'?"),
        ("hello", ": did you mean 'hello'?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_offered(name, hint):
    """And nothing when none is near."""
    assert nearest(name, ["hello", "load"]) == hint


def test_nothing_is_near_to_nothing():
    """There may be no names at all."""
    assert nearest("hello", iter(())) == ""
