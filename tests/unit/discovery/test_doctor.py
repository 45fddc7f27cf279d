"""Rules of `task_core.discovery.doctor`, its checks and its probe."""

import re
import sys

import pytest

from task_core.builtin import PLUGINS
from task_core.discovery import findings, probe
from task_core.discovery.catalog import Catalog
from task_core.discovery.doctor import diagnose
from task_core.discovery.findings import Finding, Level, about
from task_core.discovery.installed import versions
from task_core.errors import UnknownPluginError

BUS = """
{first}
from task_core.api import BusPlugin, Capabilities

plugin = BusPlugin(
    name="x",
    summary="",
    capabilities=Capabilities(),
    open=lambda options, context: None,
)
"""
GOOD = BUS.format(first="")
POLITE = ("task-framework>=0.1,<1",)


def examined(site, name="task-bus-x", first="", requires=POLITE, **more):
    """Install one bus and return what the doctor finds, by code."""
    site.install(name, source=BUS.format(first=first), requires=requires, **more)
    findings = diagnose(Catalog.scan(None, [*site.path, *sys.path], {}), [name])
    return {finding.code: finding for finding in findings}


def test_a_good_plugin_is_in_order(site):
    """And was not imported in this process before it was known to be good."""
    finding = examined(site)["P00"]
    assert (finding.level, finding.kind, finding.name) == (Level.OK, "bus", "x")


def test_what_comes_with_the_core_is_in_order():
    """Checked without processes of their own."""
    findings = diagnose(Catalog.scan(PLUGINS, env={"TASK_PLUGINS": "none"}))
    assert {f.code for f in findings} == {"P00"}


@pytest.mark.parametrize(
    ("first", "end"),
    [("import os; os._exit(7)", "exit code 7"), ("import os; os.abort()", "signal 6")],
)
def test_an_import_that_kills_its_process_is_a_finding(site, first, end):
    """That is what the process is for."""
    finding = examined(site, first=first)["P01"]
    assert finding.cause == f"importing it ends the process ({end})"
    assert finding.fix == "pip install --upgrade task-bus-x, or tell its author"


def test_an_import_that_hangs_is_a_finding(site, monkeypatch):
    """The doctor does not wait for ever."""
    monkeypatch.setattr(probe, "PATIENCE", 1.0)
    finding = examined(site, first="import threading; threading.Event().wait()")["P01"]
    assert finding.cause == "importing it takes more than 1 s"


def test_what_a_plugin_prints_does_not_matter(site):
    """Nor do threads that it leaves behind."""
    first = (
        "import threading, time; print('{hello}')\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=False).start()\n"
    )
    site.install("task-bus-x", source=BUS.format(first=first), requires=POLITE)
    found = Catalog.scan(None, site.path, {}).find("bus", "x")
    assert probe.probe(found, site.path).code == ""


def test_a_missing_requirement_is_a_finding(site):
    """With the words to install it."""
    finding = examined(site, requires=(*POLITE, "no-such-thing>=2"))["P07"]
    assert finding.cause == "it requires no-such-thing>=2, which is not installed"
    assert finding.fix == "pip install 'no-such-thing>=2'"


def test_a_requirement_of_another_version_is_a_finding(site):
    """As after an upgrade that forgot a plugin."""
    finding = examined(site, requires=("task-framework>=99,<100",))["P07"]
    assert finding.cause.startswith("it requires task-framework>=99,<100, but 0.")


def test_requirements_for_others_do_not_count(site):
    """Extras that were not asked for, and other systems."""
    others = ("no-a>=1; extra == 'more'", "no-b; sys_platform == 'nowhere'")
    assert "P07" not in examined(site, requires=(*POLITE, *others))


def test_without_packaging_the_doctor_still_knows_what_is_missing(site, monkeypatch):
    """It is no dependency of ours; versions and markers go unchecked then."""
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    requires = ("no-such-thing>=2", "task-framework>=99,<100", "no-b; extra == 'x'")
    site.install("task-bus-x", source=GOOD, requires=requires)
    found = Catalog.scan(None, site.path, {}).find("bus", "x")
    known = versions(sys.path)
    causes = [finding.cause for finding in findings.requirements(found, known)]
    assert causes == ["it requires no-such-thing>=2, which is not installed"]


LATIN = b"Metadata-Version: 2.1\nName: task-bus-x\nVersion: 1.0\nAuthor: Andr\xe9\n"


def test_a_stranger_whose_metadata_cannot_be_read_breaks_no_plugin(site):
    """As old tools wrote them."""
    location = site.install("stranger", kind="other")
    (location / "METADATA").write_bytes(LATIN)
    assert set(examined(site)) == {"P00"}


def test_metadata_of_a_plugin_that_cannot_be_read_are_told(site):
    """It works all the same."""
    location = site.install("task-bus-x", source=GOOD)
    (location / "METADATA").write_bytes(LATIN)
    path = [*site.path, *sys.path]
    findings = diagnose(Catalog.scan(None, path, {}), ["task-bus-x"])
    told = {finding.code: finding for finding in findings}
    text = "its metadata cannot be read (not UTF-8), nor what it requires"
    assert (told["P07"].level, told["P07"].cause) == (Level.WARN, text)
    assert "P08" not in told


def test_a_requirement_that_cannot_be_read_is_told(site):
    """There are such on indexes, and pip takes them; the others are looked at."""
    requires = (*POLITE, "pytz (>dev)", "no-such-thing")
    site.install("task-bus-x", source=GOOD, requires=requires)
    path = [*site.path, *sys.path]
    findings = diagnose(Catalog.scan(None, path, {}), ["task-bus-x"])
    assert [(f.level, f.cause) for f in findings if f.code == "P07"] == [
        (Level.WARN, "its requirement 'pytz (>dev)' cannot be read"),
        (Level.FAIL, "it requires no-such-thing, which is not installed"),
    ]


@pytest.mark.parametrize(
    ("version", "what"),
    [("", "one without a version"), ("of-monday", "of-monday")],
)
def test_what_is_installed_without_a_version_that_counts_is_told(site, version, what):
    """Nobody can say whether it will do."""
    folder = site.folder / "odd.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text(f"Name: odd\nVersion: {version}\n")
    finding = examined(site, requires=(*POLITE, "odd>=1"))["P07"]
    assert finding.cause == f"it requires odd>=1, but {what} is installed"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_plugin_writes_when_imported_need_be_no_text(site, stream):
    """Libraries in C write what they like."""
    first = f"import sys; sys.{stream}.buffer.write(b'\\xff'); sys.{stream}.flush()"
    assert examined(site, first=first)["P00"].level is Level.OK


def test_entry_points_that_cannot_be_read_are_a_finding(site):
    """No list shows what such a distribution brings; also by its name alone."""
    location = site.install("task-bus-x", source=GOOD)
    (location / "entry_points.txt").write_text("[task_core.bus]\nx\n")
    catalog = Catalog.scan(None, site.path, {})
    for names in ([], ["task-bus-x"]):
        [finding] = diagnose(catalog, names)
        assert (finding.code, finding.level) == ("P08", Level.FAIL)
        assert finding.distribution == "task-bus-x"
        text = "its entry_points.txt cannot be read: line 2, 'x', is not NAME ="
        assert finding.cause.startswith(text)
    with pytest.raises(UnknownPluginError) as caught:
        catalog.find("bus", "x")
    assert f"task-bus-x 1.0 may have it: {text}" in str(caught.value)


def test_debris_of_an_uninstall_is_a_finding(site):
    """Its entry points would still be found."""
    finding = examined(site, metadata=False)["P08"]
    assert "task_bus_x-1.0.dist-info has no metadata" in finding.cause
    assert finding.fix.startswith("delete the folder")


def test_a_living_editable_install_is_not_stale(site, tmp_path, monkeypatch):
    """Most authors have one."""
    site.install("task-bus-x", source=GOOD, editable=tmp_path / "src", requires=POLITE)
    monkeypatch.syspath_prepend(tmp_path / "src")
    findings = diagnose(Catalog.scan(PLUGINS, env={}), ["task-bus-x"])
    assert [finding.code for finding in findings] == ["P00"]


def test_a_manifest_that_imports_a_client_library_is_told(site):
    """It would cost everybody who lists options."""
    (site.folder / "heavy_client.py").write_text("")
    finding = examined(site, first="import heavy_client")["P10"]
    assert finding.level is Level.WARN
    assert finding.cause == "importing its manifest also imports heavy_client"
    assert finding.fix == "its author should import inside `open`"


def test_a_slow_manifest_is_told(site):
    """From a tenth of a second on; to its author, since a busy machine is slow too."""
    findings = examined(site, first="import time; time.sleep(0.11)")
    finding = findings["P10"]
    assert (finding.level, findings["P00"].level) == (Level.INFO, Level.OK)
    (took,) = re.findall(r"importing its manifest takes (\d+)", finding.cause)
    assert int(took) >= 110


def test_a_distribution_that_hides_another_copy_is_told(site, tmp_path):
    """Which of the two would be used depends on the order of folders."""
    other = tmp_path / "other"
    first = site.install("task-bus-x", source=GOOD, requires=POLITE)
    site.folder = other
    second = site.install("task-bus-x", version="0.9")
    path = [*site.path, str(other), *sys.path]
    findings = diagnose(Catalog.scan(None, path, {}), ["task-bus-x"])
    [finding] = [f for f in findings if f.code == "P11"]
    assert finding.cause == f"it is installed twice: {first} hides {second}"


def test_one_copy_at_two_places_of_the_path_is_one(site, tmp_path):
    """As `lib64` often is."""
    link = tmp_path / "link"
    link.symlink_to(site.folder)
    site.path.append(str(link))
    assert "P11" not in examined(site)


def test_authors_are_told_what_their_neighbours_would_like(site):
    """An upper bound on the core, and types."""
    findings = examined(site, requires=("task-framework",))
    assert findings["P12"].level is Level.INFO
    assert "no upper bound on task-framework" in findings["P12"].cause


def test_a_missing_py_typed_is_told(site):
    """Where the list of files says so."""
    location = site.install("task-bus-x", source=GOOD, requires=POLITE)
    (location / "RECORD").write_text("task_bus_x_mod.py,,\n")
    findings = diagnose(Catalog.scan(None, [*site.path, *sys.path], {}), ["x"])
    assert [f.cause for f in findings if f.code == "P12"] == [
        "it has no py.typed: type checkers do not see its types"
    ]


def test_further_checks_see_only_good_manifests(site):
    """Whoever calls brings what this room must not know."""
    site.install("task-bus-x", source=GOOD, requires=POLITE)
    site.install("task-bus-y", source="1/0", plugin="y", requires=POLITE)

    def check(found, manifest):
        yield about(found, "P09", Level.WARN, f"saw {manifest.name}")

    findings = diagnose(Catalog.scan(None, site.path, {}), checks=[check])
    assert [f.cause for f in findings if f.code == "P09"] == ["saw x"]


def test_only_those_asked_for_are_examined(site):
    """By plugin or by distribution."""
    site.install("task-bus-x", source=GOOD, requires=POLITE)
    site.install("task-bus-y", source="1/0", plugin="y", requires=POLITE)
    catalog = Catalog.scan(None, site.path, {})
    assert {f.name for f in diagnose(catalog, ["x"]) if f.name} == {"x"}
    assert {f.name for f in diagnose(catalog, ["task-bus-y"]) if f.name} == {"y"}


def test_an_unknown_name_is_an_error_with_the_nearest():
    """The doctor does not call nothing healthy."""
    with pytest.raises(UnknownPluginError, match="'sdtio': did you mean 'stdio'"):
        diagnose(Catalog.scan(PLUGINS), ["sdtio"])


def test_a_plugin_of_this_program_is_examined_in_it():
    """There is nothing to import."""
    catalog = Catalog()
    catalog.register("bus", [], "mine")
    [finding] = diagnose(catalog)
    assert isinstance(finding, Finding)
    assert (finding.code, finding.cause) == ("P02", "it names a list, not a BusPlugin")


def test_a_bad_hook_plugin_is_a_finding(site):
    """By what pluggy says about it."""
    source = """
        from task_core.api import hookimpl
        class Plugin:
            @hookimpl
            def task_startet(self, task): ...
        plugin = Plugin()
    """
    site.install("task-hooks-x", kind="hooks", source=source, requires=POLITE)
    findings = diagnose(Catalog.scan(None, site.path, {}), ["x"])
    [finding] = [f for f in findings if f.level is Level.FAIL and f.name]
    assert finding.code == "P02"
    assert finding.cause.startswith("there is no hook 'task_startet'")


def test_hooks_that_need_an_option_are_in_order(site):
    """Nobody has set it yet; how they are made is looked at all the same."""
    source = """
        import attrs
        from task_core.api import HooksPlugin, option
        @attrs.frozen(kw_only=True)
        class Options:
            url: str = option(help="Where.")
        def make({options}): ...
        plugin = HooksPlugin(name="x", summary="s", options=Options, make=make)
    """
    requires = POLITE
    for options, causes in (("options", []), ("", ["making it failed: TypeError: `"])):
        text = source.format(options=options)
        site.install("task-hooks-x", kind="hooks", source=text, requires=requires)
        findings = diagnose(Catalog.scan(None, site.path, {}), ["x"])
        failed = [f.cause for f in findings if f.level is Level.FAIL and f.name]
        assert [cause[:30] for cause in failed] == causes


@pytest.mark.parametrize(
    "opens",
    [
        "'no_client:open'",
        "'late_open:open'",
        "_open",
    ],
)
def test_a_plugin_that_cannot_start_is_not_in_order(site, opens):
    """What it imports when it is opened is imported; it is not opened."""
    (site.folder / "late_open.py").write_text("import no_client\n")
    first = (
        "def _open(options, context):\n"
        "    from late_open import Bus\n"
        "    raise SystemExit('this is never run')\n"
    )
    source = BUS.format(first=first).replace("lambda options, context: None", opens)
    site.install("task-bus-x", source=source, requires=(*POLITE, "no-client>=2"))
    found = Catalog(path=site.path).find("bus", "x")
    report = probe.probe(found, site.path)
    assert report.code == "P01"
    assert "it needs the module 'no_client', which is not there" in report.cause
    assert report.fix == "pip install 'no-client>=2'"


def test_an_import_that_may_fail_is_no_fault(site):
    """The plugin has another way, or says itself what is missing."""
    first = (
        "def _open(options, context):\n"
        "    try:\n"
        "        import no_client\n"
        "    except ImportError:\n"
        "        raise\n"
    )
    source = BUS.format(first=first).replace("lambda options, context: None", "_open")
    site.install("task-bus-x", source=source, requires=POLITE)
    found = Catalog(path=site.path).find("bus", "x")
    assert probe.probe(found, site.path).code == ""


@pytest.mark.parametrize(("taken", "fine"), [("options", False), ("*all", True)])
def test_a_plugin_that_cannot_be_called_is_not_in_order(site, taken, fine):
    """With what it will be called with."""
    source = BUS.format(first="").replace("lambda options, context", f"lambda {taken}")
    site.install("task-bus-x", source=source, requires=POLITE)
    report = probe.probe(Catalog(path=site.path).find("bus", "x"), site.path)
    assert ("`open` takes (options)" not in report.cause) is fine
    assert report.code == ("" if fine else "P01")
