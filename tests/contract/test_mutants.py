"""The conformance kit catches wrong buses: each by the rule that is made for it."""

import re

import pytest
from mutants import MUTANTS, PLUGINS
from task_testing import BusContract, TaskmasterContract, WorkerContract
from task_testing.contract.results import PATIENCE, RESULTS

RIGHT = """
from mutants import Double, Taskmasters, Workers
from mutants.extras import PLAIN

class Patient(Double):
    lease = 1.5  # so that a busy machine keeps nobody from extending in time
class TestDouble(Patient): pass
class TestPlain(Patient):
    label = "plain"
    declares = PLAIN
class TestQueue(Patient):
    label = "queue"
    declares = {"channels": False}
class TestWorkers(Workers): pass
class TestTaskmasters(Taskmasters): pass
"""
WRONG = """
from mutants import wrong_bus, wrong_plugin

TestWrong = {made}
"""
OPTIONS = "--import-mode=importlib", "-p", "no:cacheprovider", "-o", "addopts="


class Recorder:
    """Remembers what became of each test: passed, failed or skipped, and why."""

    def __init__(self):
        self.fates = {}

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or not report.passed:
            name = report.nodeid.split("::", 1)[1]
            self.fates[name] = (report.outcome, str(report.longrepr))

    def of(self, start):
        """Return the outcomes and the reasons of tests whose names begin so."""
        found = [fate for name, fate in self.fates.items() if name.startswith(start)]
        return {outcome for outcome, _ in found}, "\n".join(why for _, why in found)


@pytest.fixture
def run_kit(tmp_path, monkeypatch):
    """Run a test file of its own, in this process; results and options are its own."""
    for name in (RESULTS, PATIENCE, "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # quick

    def run(name, text, *select):
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        file = tmp_path / f"test_{name}.py"
        file.write_text(text)
        chosen = [f"{file}::{node}" for node in select]
        recorder = Recorder()
        rooted = [f"--rootdir={tmp_path}", f"-c{tmp_path / 'pytest.ini'}"]
        pytest.main([*OPTIONS, *rooted, *(chosen or [str(file)])], plugins=[recorder])
        return recorder

    return run


@pytest.fixture
def judge(run_kit):
    """Run one rule on a mutant: it is to fail, and for the reason that is told.

    In a hurry, since there are hundreds; where a machine stood still meanwhile, and
    leases and patience were over, again without.
    """

    def problem(name, made, rule, tells, pace):
        node = f"TestWrong::{rule}"
        text = WRONG.format(made=made.format(name, pace=pace))
        fates, why = run_kit(f"{name}_{pace}", text, node).of(node)
        if "failed" not in fates:
            return f"the mutant {name} survives {rule}"
        if not re.search(tells, why):
            return f"{name} fails for another reason:\n{why}"
        return ""

    def run(*mutant):
        if problem(*mutant, pace=1):
            assert problem(*mutant, pace=4) == ""

    return run


@pytest.mark.parametrize("name", MUTANTS)
def test_each_wrong_bus_is_caught_by_its_rule(judge, name):
    """The same bus without the fault keeps it, as the test below tells."""
    mutant = MUTANTS[name]
    judge(name, "wrong_bus({!r}, pace={pace})", mutant.rule, mutant.tells)


@pytest.mark.parametrize("name", PLUGINS)
def test_each_wrong_worker_or_taskmaster_is_caught_by_its_rule(judge, name):
    """The same without the fault keeps it, as the test below tells."""
    _, rule, tells = PLUGINS[name]
    judge(name, "wrong_plugin({!r})", rule, tells)


def test_each_rule_catches_a_mutant():
    """A rule that no wrong bus breaks may be no rule."""
    assert set(BusContract._rules) == {mutant.rule for mutant in MUTANTS.values()}
    others = {*WorkerContract._rules, *TaskmasterContract._rules}
    assert others == {rule for _, rule, _ in PLUGINS.values()}


def test_what_mutants_are_made_of_keeps_every_rule(run_kit):
    """So it is the fault that the rules see."""
    recorder = run_kit("right", RIGHT)
    failed = [name for name, (fate, _) in recorder.fates.items() if fate == "failed"]
    assert failed == []
    assert len(recorder.fates) > len(BusContract._rules)
