"""The conformance kit catches wrong buses: each by the rule that is made for it."""

import re

import pytest
from mutants import ACTORS, MUTANTS

from task_core.testing import BusContract, TaskmasterContract, WorkerContract

RIGHT = """
from mutants import Double

class TestDouble(Double):
    pass
"""
PAIR = """
from mutants import {maker}

TestRight, TestWrong = {maker}({name!r})
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
    for name in ("TASK_CONTRACT_RESULTS", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)

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
    """Run one rule on a mutant and on what is right: only the mutant is to fail."""

    def run(name, maker, rule, tells, alike):
        sides = ("TestRight", "TestWrong")
        nodes = [f"{side}::{rule}" for side in sides]
        recorder = run_kit(name, PAIR.format(name=name, maker=maker), *nodes)
        (right, why_right), (wrong, why) = map(recorder.of, nodes)
        assert "failed" in wrong, f"the mutant {name} survives {rule}"
        assert re.search(tells, why), f"{name} fails for another reason:\n{why}"
        assert right, f"{rule} does not run"
        assert right <= alike, f"the right one fails too:\n{why_right}"

    return run


@pytest.mark.parametrize("name", MUTANTS)
def test_each_wrong_bus_is_caught_by_its_rule(judge, name):
    """And the same bus without the fault keeps that rule."""
    mutant = MUTANTS[name]
    alike = {"passed", "skipped"} if mutant.declares else {"passed"}
    judge(name, "right_and_wrong", mutant.rule, mutant.tells, alike)


@pytest.mark.parametrize("name", ACTORS)
def test_each_wrong_worker_or_taskmaster_is_caught_by_its_rule(judge, name):
    """And a right one keeps that rule."""
    _, rule, tells = ACTORS[name]
    judge(name, "right_and_wrong_actor", rule, tells, {"passed"})


def test_each_rule_catches_a_mutant():
    """A rule that no wrong bus breaks may be no rule."""
    assert set(BusContract._rules) == {mutant.rule for mutant in MUTANTS.values()}
    others = {*WorkerContract._rules, *TaskmasterContract._rules}
    assert others == {rule for _, rule, _ in ACTORS.values()}


def test_the_double_keeps_the_whole_contract(run_kit):
    """What the mutants are made of is right."""
    recorder = run_kit("double", RIGHT)
    failed = [name for name, (fate, _) in recorder.fates.items() if fate == "failed"]
    assert failed == []
    assert len(recorder.fates) > len(BusContract._rules)
