"""Rules of `task_core.config.hooks`: hooks have options as other plugins do."""

import attrs
import pytest

from task_core.api import HooksPlugin, option
from task_core.config.hooks import hook_options
from task_core.config.sources import NoFile
from task_core.config.toml_file import TomlFile
from task_core.errors import OptionError


@attrs.frozen(kw_only=True)
class Options:
    """How loud."""

    level: int = option(1, help="How loud.")


PLUGIN = HooksPlugin(name="ear", summary="Hear.", options=Options, make=str)


def test_the_environment_is_stronger_than_the_file():
    """As for all options."""
    toml = TomlFile("task.toml", "[hooks.ear]\nlevel = 2\n")
    assert hook_options(PLUGIN, toml, {}).level == 2
    assert hook_options(PLUGIN, toml, {"TASK_HOOKS_EAR_LEVEL": "3"}).level == 3


def test_a_table_may_be_written_with_either_dash():
    """Else the hooks would start, and have their defaults."""
    plugin = HooksPlugin(name="my-ear", summary="Hear.", options=Options, make=str)
    toml = TomlFile("task.toml", "[hooks.my_ear]\nlevel = 2\n")
    assert hook_options(plugin, toml, {}).level == 2


def test_variables_of_hooks_with_a_longer_name_are_not_its_own():
    """`TASK_HOOKS_EAR_DEAF_LEVEL` sets `level` of `ear-deaf`, where that is there."""
    environment = {"TASK_HOOKS_EAR_DEAF_LEVEL": "3"}
    names = ["ear", "ear-deaf"]
    assert hook_options(PLUGIN, NoFile(), environment, names).level == 1
    with pytest.raises(OptionError, match="hooks ear has no option 'deaf_level'"):
        hook_options(PLUGIN, NoFile(), environment, ["ear"])


def test_what_is_wrong_is_told_with_its_line():
    """And the nearest name."""
    toml = TomlFile("task.toml", "[hooks.ear]\nlevl = 2\n")
    with pytest.raises(OptionError, match=r"line 2: .*did you mean 'level'"):
        hook_options(PLUGIN, toml, {})


def test_a_required_option_is_asked_for_where_it_can_be_given():
    """Hooks have no flags."""

    @attrs.frozen(kw_only=True)
    class Needs:
        """Has no default."""

        url: str = option(help="Where.")

    plugin = HooksPlugin(name="ear", summary="", options=Needs, make=list)
    text = (
        "hooks.ear.url is required: give url under [hooks.ear] in task.toml, or set"
        " TASK_HOOKS_EAR_URL"
    )
    with pytest.raises(OptionError) as caught:
        hook_options(plugin, NoFile(), {})
    assert str(caught.value) == text
