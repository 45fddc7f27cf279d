"""Rules of `task_core.discovery.remedies`: what helps, and whose work it is."""

import pytest

from task_core.discovery.catalog import Catalog
from task_core.discovery.doctor import diagnose
from task_core.discovery.loader import load
from task_core.errors import PluginConflictError, PluginError

COMMAND = """
from task_core.api import CommandPlugin

plugin = CommandPlugin(name="x", summary="X.", open={open!r})
"""
HOOKS = """
from task_core.api import HooksPlugin, hookimpl

def make(options):
    raise KeyError("no")

plugin = HooksPlugin(name="x", summary="X.", make={make})
"""


def failure(site, kind, source, code):
    """Install one plugin and return what the doctor says of it."""
    site.install("dist-x", kind=kind, source=source)
    findings = diagnose(Catalog(path=site.path, env={}), ["x"])
    [finding] = [one for one in findings if one.code == code]
    return finding.cause, finding.fix


def test_a_typo_in_an_entry_point_is_told_with_what_the_module_has(site):
    """To install it again would bring the same entry point."""
    source = "from task_core.api import worker\n\n@worker\ndef x(info): ...\n"
    site.install("dist-x", kind="worker", source=source)
    with pytest.raises(PluginError) as caught:
        load(Catalog(path=site.path).find("worker", "x"))
    assert str(caught.value) == (
        "worker 'x' of dist-x 1.0 (dist_x_mod:plugin): there is no 'plugin' in"
        " dist_x_mod (manifests there: x): its author must mend the entry point:"
        ' x = "dist_x_mod:x"'
    )


def test_a_dot_where_a_colon_belongs_is_told(site):
    """It is no module that an install has lost."""
    source = COMMAND.format(open="dist_x_mod.make")
    site.install("dist-x", kind="command", source=source)
    manifest = load(Catalog(path=site.path).find("command", "x"))
    with pytest.raises(PluginError) as caught:
        manifest.open()
    assert caught.value.cause == (
        "opening it failed: its own module 'dist_x_mod.make' is not there"
    )
    assert caught.value.fix == (
        "with a colon, 'dist_x_mod:make' is what is in 'dist_x_mod': its author can"
        " mend it"
    )


def test_a_name_that_one_distribution_brings_twice_is_its_authors_to_mend(site):
    """To uninstall it would not choose one of the two."""
    place = site.install("dist-x", kind="worker")
    points = "[task_core.worker]\nx = one:a\nx = one:b\n"
    (place / "entry_points.txt").write_text(points)
    catalog = Catalog(path=site.path)
    with pytest.raises(PluginConflictError) as caught:
        catalog.find("worker", "x")
    assert str(caught.value) == (
        "worker 'x' is claimed by dist-x 1.0 (one:a) and dist-x 1.0 (one:b): the"
        " author of dist-x must rename one of them"
    )
    assert catalog.rivals(catalog.found[0]) == ["dist-x 1.0 itself (one:b)"]


def test_hooks_that_cannot_be_made_have_a_cause_and_a_fix(site):
    """The cause does not say again whose they are."""
    assert failure(site, "hooks", HOOKS.format(make="make"), "P01") == (
        "making it failed: KeyError: 'no' (dist_x_mod.py:5)",
        "pip install --upgrade dist-x, or tell its author",
    )


def test_a_wrong_argument_of_a_hook_is_told_with_those_that_there_are(site):
    """In our words, not in those of pluggy."""
    source = """
        from task_core.api import hookimpl

        @hookimpl
        def task_finished(tsk): ...

        import sys
        plugin = sys.modules[__name__]
    """
    cause, _ = failure(site, "hooks", source, "P02")
    assert cause == (
        "the hook 'task_finished' has no argument 'tsk': did you mean 'task'? (it has"
        " task, outcome)"
    )
