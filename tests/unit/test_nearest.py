"""Rules of `task_core.nearest`."""

import pytest

from task_core.nearest import nearest


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
