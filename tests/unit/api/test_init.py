"""Rules of `task_core.api` as a whole: what a plugin author imports."""

import subprocess
import sys

import pytest

from task_core import api

LATE = {
    "CommandContext",
    "CommandPlugin",
    "HooksPlugin",
    "Launch",
    "Restart",
    "Supervised",
    "closed_when_told",
    "fitting_dead_topic",
    "format_info",
    "hookimpl",
}
"""What is loaded when it is asked for."""


@pytest.mark.parametrize("name", api.__all__)
def test_every_public_name_is_there(name):
    """And is documented."""
    assert getattr(api, name).__doc__


def test_nothing_public_is_forgotten():
    """What is imported for authors is listed, in order."""
    offered = {name for name in vars(api) if name[0].isalpha()}
    modules = {name for name in offered if type(getattr(api, name)) is type(sys)}
    assert sorted(offered - modules - {"Any", "TYPE_CHECKING"}) == sorted(
        set(api.__all__) - (LATE - offered)
    )
    assert list(api.__all__) == sorted(api.__all__, key=lambda n: (n.lower() == n, n))


def test_an_unknown_name_is_an_attribute_error():
    """As on any module."""
    with pytest.raises(AttributeError, match="has no attribute 'hookimp'"):
        _ = api.hookimp


def test_only_hook_plugins_pay_for_pluggy():
    """The import that most authors write is a light one."""
    program = (
        "import sys, task_core.api as api\n"
        "assert 'pluggy' not in sys.modules\n"
        "api.hookimpl\n"
        "assert 'pluggy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
