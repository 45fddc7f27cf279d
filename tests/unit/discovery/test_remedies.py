"""Rules of `task_core.discovery.remedies`: what helps, and whose work it is."""

import pytest

from task_core.discovery.catalog import Catalog
from task_core.discovery.doctor import diagnose
from task_core.discovery.findings import Level
from task_core.discovery.loader import load
from task_core.errors import PluginConflictError, PluginError, WorkerError

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


def test_a_plugin_for_a_newer_core_says_what_installs_that(site):
    """A newer version of the plugin would lack the same."""
    source = "from task_core.api import SomethingNew\n"
    requires = ("task-framework>=99",)
    site.install("dist-x", kind="worker", source=source, requires=requires)
    with pytest.raises(PluginError) as caught:
        load(Catalog(path=site.path).find("worker", "x"))
    assert "it requires task-framework>=99, but 0." in caught.value.cause
    assert caught.value.fix == "pip install 'task-framework>=99'"


def test_a_plugin_for_this_core_may_still_ask_for_what_is_not_there(site):
    """Then its author has mistyped a name."""
    source = "from task_core.api import SomethingNew\n"
    requires = ("task-framework>=0.1",)
    site.install("dist-x", kind="worker", source=source, requires=requires)
    with pytest.raises(PluginError, match="cannot import name 'SomethingNew'"):
        load(Catalog(path=site.path).find("worker", "x"))


def test_a_mistyped_group_of_entry_points_is_told(site):
    """At a launch, and by the doctor of all or of the name."""
    site.install("dist-x", kind="workers", source="plugin = 1\n")
    catalog = Catalog(path=site.path, env={})
    hint = "'task_core.workers', which nothing reads: did you mean 'task_core.worker'?"
    with pytest.raises(PluginError, match="there is no worker 'x'") as caught:
        catalog.find("worker", "x")
    assert hint in str(caught.value)
    for names in ((), ("x",), ("dist-x",)):
        [finding] = diagnose(catalog, names)
        assert (finding.code, finding.level) == ("P13", Level.FAIL)
        assert finding.cause == (
            "nothing reads its entry-point group 'task_core.workers': did you mean"
            " 'task_core.worker'?"
        )


@pytest.mark.parametrize(
    ("value", "what"), [("", ""), ("mod:", ", but 'mod:'"), (":x", ", but ':x'")]
)
def test_an_entry_point_without_a_whole_value_is_told(site, value, what):
    """With the form that it should have."""
    place = site.install("dist-x", kind="worker")
    (place / "entry_points.txt").write_text(f"[task_core.worker]\nx = {value}\n")
    with pytest.raises(PluginError) as caught:
        load(Catalog(path=site.path).find("worker", "x"))
    cause = f"its entry point names no module and object{what}"
    assert caught.value.cause == cause
    assert caught.value.fix == 'its author must write x = "module:object"'


def test_hooks_that_need_an_option_are_in_order(site):
    """Without it they cannot be made by the doctor, and are not broken."""
    options = (
        "import attrs\nfrom task_core.api import option\n"
        "@attrs.frozen\nclass O:\n    url: str = option(help='Where.')\n"
    )
    source = options + HOOKS.format(make="make, options=O")
    site.install("dist-x", kind="hooks", source=source)
    findings = diagnose(Catalog(path=site.path, env={}), ["x"])
    assert [one.level for one in findings if one.name] == [Level.OK]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("./two.py:a:b", "there is no 'a:b' in './two.py' (workers there: a)"),
        ("./two:a", "worker './two:a': './two' is no module: a file ends in .py"),
    ],
)
def test_a_file_that_is_named_in_an_odd_way_is_one_line(site, monkeypatch, given, text):
    """Python itself would speak of packages."""
    monkeypatch.chdir(site.folder)
    (site.folder / "two.py").write_text("def a(info): ...\n")
    with pytest.raises(WorkerError) as caught:
        Catalog().manifest("worker", given)
    assert str(caught.value) == text


def test_several_hooks_are_not_there():
    """The name of their kind is a plural."""
    with pytest.raises(PluginError, match="there are no hooks 'x'"):
        Catalog().find("hooks", "x")
