"""The kit itself: nobody dodges a rule, and everybody sees what became of them."""

import json
import subprocess
import sys
from queue import SimpleQueue

import attrs
import pytest
from task_testing import BusContract, WorkerContract
from task_testing.child import Child, Job
from task_testing.contract.kit import SUITE
from task_testing.contract.results import PATIENCE, RESULTS

from task_core.api import BusContext, Capabilities
from task_core.builtin import buses

BUS = """
import pytest
from mutants import Double
from task_testing import BusContract

class TestDouble(Double):
    label = "kit"
"""
TOTAL = len(BusContract._rules)
QUICK = "closed_consumer_refuses or closed_producer or higher_priority"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a test file in another process, and return its exit status and output."""
    for name in (RESULTS, PATIENCE, "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    tests = " ".join(path for path in sys.path if path.endswith("tests"))

    def run(text, *options):
        file = tmp_path / "test_file.py"
        file.write_text(text)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", file]
        done = subprocess.run(
            [*command, *options, f"-opythonpath={tests}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("contract", [BusContract, WorkerContract])
@pytest.mark.parametrize("instead", [None, lambda self: None])
def test_a_class_that_replaces_or_removes_a_rule_is_refused(contract, instead):
    rule = min(contract._rules)
    with pytest.raises(TypeError, match=f"Dodger replaces parts .*{rule}"):
        type("Dodger", (contract,), {rule: instead})


@pytest.mark.parametrize("part", ["_only_what_applies", "_title", "_offers", "env"])
def test_a_class_that_replaces_what_rules_are_played_with_is_refused(part):
    with pytest.raises(TypeError, match=f"Dodger replaces parts .*{part}"):
        type("Dodger", (BusContract,), {part: lambda self: None})


TWIN = """
class TestTwin(Double):
    label = "kit"
    part = __import__('mutants').lifetimes.HasAnotherName
"""


def test_two_classes_with_one_title_are_refused(run):
    """One's success would hide the other's failure."""
    status, told = run(BUS + TWIN, "-k", "the_name")
    assert status == 1
    assert "both call their results 'bus double-kit': give one of them a label" in told


SKIPPING = """
    from mutants.double import Broker, DoubleBackdoor
    @pytest.fixture
    def backdoor(self, options):
        backdoor = self.DoubleBackdoor(options.address, self.Broker(options.address))
        backdoor.put = lambda topic, bodies: pytest.skip("on Tuesdays")
        return backdoor
"""


def test_a_skip_that_is_no_lack_of_an_offer_is_counted_as_such(run):
    """Where something is skipped, less is proven."""
    _, told = run(BUS + SKIPPING, "-k", "closed_consumer_refuses or closed_prod")
    assert f"suite {SUITE}): 1 passed, 1 skipped," in told


def test_a_plugin_that_other_processes_cannot_be_given_is_told_as_that():
    """A lambda in it, say: the error of `pickle` alone would help nobody."""
    part = Job(
        plugin=attrs.evolve(buses.memory, open=lambda options, context: None),
        options=None,
        context=BusContext(),
        act="hold",
        topic="kit",
    )
    with pytest.raises(TypeError, match="what they hold must be importable .*lambda"):
        Child(part, SimpleQueue())


def test_a_rule_that_is_replaced_later_fails_every_rule(run):
    text = BUS + "TestDouble.test_a_closed_consumer_refuses = lambda self: None\n"
    status, told = run(text, "-k", "closed_producer")
    assert status == 1
    assert "TestDouble replaces parts" in told


def test_an_expected_failure_must_name_a_rule():
    with pytest.raises(TypeError, match="names no rule: test_nothing"):
        type("Dodger", (BusContract,), {"expected_failures": {"test_nothing": "x"}})


def test_an_expected_failure_must_have_a_reason():
    rule = min(BusContract._rules)
    with pytest.raises(TypeError, match=f"a reason is missing for {rule}"):
        type("Dodger", (BusContract,), {"expected_failures": {rule: " "}})


EXPECTING = BUS + '    expected_failures = {"test_a_closed_consumer_refuses": "why"}\n'


def test_an_expected_failure_that_passes_fails_the_run(run):
    status, told = run(EXPECTING, "-k", "closed_consumer_refuses")
    assert status == 1
    assert "XPASS(strict)" in told
    assert f"suite {SUITE}): 1 failed, {TOTAL - 1} not run" in told


def test_an_expected_failure_that_fails_is_counted_as_known(run):
    broken = "    part = __import__('mutants').lifetimes.DeliversAfterClose\n"
    status, told = run(EXPECTING + broken, "-k", "closed_consumer_refuses")
    assert status == 0
    assert f"suite {SUITE}): 1 known, {TOTAL - 1} not run" in told


def test_the_summary_counts_what_passed_what_is_not_offered_and_what_did_not_run(run):
    status, told = run(BUS, "-k", QUICK)
    assert status == 0
    line = f"bus double-kit (in the process, suite {SUITE}): 2 passed, 1 not offered,"
    assert f"{line} {TOTAL - 3} not run" in told


def test_plain_rules_run_first_and_outages_last(run):
    """What is wrong on the first day is seen before anything waits."""
    _, told = run(BUS, "--collect-only", "-q")
    rules = [line.rpartition("::")[2] for line in told.splitlines() if "::" in line]
    assert rules[0].startswith("test_a_body_reaches_the_broker")
    assert rules[-1] == "test_a_restart_does_not_hinder_closing"


DEAF = BUS + "    part = __import__('mutants').leases.DeliversNothing\n"


def test_a_rule_that_waits_waits_as_long_as_it_is_told(run, monkeypatch):
    """And the summary says how to wait less."""
    select = ("-k", "settle_without_messages")
    status, told = run(DEAF.replace('"kit"', '"kit"\n    patience = 4.5'), *select)
    assert status == 1
    assert "in 4.5 s, 0 of 1 came" in told
    assert "may have waited 4.5 s and more: while you write it, set TASK_" in told
    monkeypatch.setenv(PATIENCE, "0.5")
    status, told = run(DEAF, *select)
    assert status == 1
    assert "in 0.5 s, 0 of 1 came" in told
    assert "may have waited" not in told


def test_results_are_written_for_the_matrix(run, tmp_path, monkeypatch):
    folder = tmp_path / "results"
    monkeypatch.setenv(RESULTS, str(folder))
    run(BUS, "-k", QUICK)
    (file,) = folder.iterdir()
    record = json.loads(file.read_text())
    assert file.name == "bus-double-kit.json"
    assert record["rules"] == {
        "test_a_closed_consumer_refuses": "passed",
        "test_a_closed_producer_refuses": "passed",
        "test_a_higher_priority_comes_first": "not offered",
    }
    assert (record["kind"], record["broker"]) == ("bus", "in the process")
    assert record["capabilities"]["ack"] is True
    assert record["capabilities"]["priority"] is False


def test_what_a_bus_declares_is_tested_by_a_rule_that_needs_nothing_else():
    """Otherwise one that declares no more could do nothing of it."""
    flags = {field.name for field in attrs.fields(Capabilities)}
    needed = {getattr(rule, "needs", ()) for rule in BusContract._rules.values()}
    elsewhere = {"max_delay", "outbox"}  # within `delay`; only with a database
    assert flags - elsewhere == {needs[0] for needs in needed if len(needs) == 1}


@pytest.mark.parametrize("missing", ["plugin", "options", "backdoor"])
def test_a_fixture_that_is_missing_is_named(run, missing):
    text = BUS.replace("(Double)", "(BusContract)")
    for name in {"plugin", "options", "backdoor"} - {missing}:
        text += (
            f"\n    {name} = Double.{name}\n    part, declares = Double.part, {{}}\n"
        )
    status, told = run(text, "-k", "closed_consumer_refuses")
    assert status == 1
    assert f"TestDouble: give a fixture '{missing}'" in told


def test_a_rule_that_fails_shows_the_values(run):
    broken = "    part = __import__('mutants').lifetimes.HasAnotherName\n"
    _, told = run(BUS + broken, "-k", "the_name")
    assert "AssertionError: assert 'memory' == 'double'" in told


def test_testing_needs_no_pytest_until_a_contract_is_asked_for():
    code = "import sys, task_testing as t; t.run_worker; print(*sys.modules)"
    for more, there in (("", False), ("; t.BusContract; print(*sys.modules)", True)):
        done = subprocess.run(
            [sys.executable, "-c", code + more],
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("pytest" in done.stdout.split()) is there
