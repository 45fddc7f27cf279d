"""Counts what became of the rules, for the summary line and the capability matrix."""

import inspect
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest

from task_testing.contract.backdoor import NOT_OFFERED

RESULTS = "TASK_CONTRACT_RESULTS"
"""Environment variable: folder that gets one JSON file for each contract that ran."""
PATIENCE = "TASK_CONTRACT_PATIENCE"
"""Environment variable: seconds in which what must happen has happened."""
SHORT = 4.0
"""Seconds of patience for the first day; the longest delay of a rule is 2."""
NAME = "task-contract-results"
OUTCOMES = ("passed", "failed", "known", "not offered", "skipped", "not run")
"""What can become of a rule, in the order of the summary."""


@attrs.frozen(kw_only=True)
class Title:
    """What ran: one line of the summary, one file of results.

    Args:
        kind: `bus`, `worker` or `taskmaster`.
        name: Of the plugin, with what its class tells apart.
        broker: What it ran against.
        suite: Number of the set of rules.
        total: How many rules there are.
        capabilities: What it declares.
        patience: Seconds that a rule waits for what does not come, where it waits.
    """

    kind: str
    name: str
    broker: str
    suite: int
    total: int
    capabilities: dict[str, Any] = attrs.field(eq=False, factory=dict)
    patience: float = attrs.field(eq=False, default=0.0)


class Results:
    """A pytest plugin that listens to the reports of rules.

    Args:
        config: Of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._titles: dict[str, Title] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._outcomes: dict[str, str] = {}

    def expect(self, node: str, title: Title, owner: type) -> None:
        """Count the reports of this test for this title.

        Raises:
            TypeError: Another class has it: one would hide what the other finds.
        """
        called = f"{title.kind} {title.name}"
        here = f"{owner.__qualname__} in {inspect.getfile(owner)}"
        there = self._owners.setdefault((title.kind, title.name), here)
        if here != there:
            raise TypeError(
                f"{here} and {there} both call their results '{called}': give one of"
                " them a label"
            )
        self._titles[node] = title

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the worst outcome of a test's three phases."""
        if report.nodeid not in self._titles:
            return
        if report.failed:
            self._outcomes[report.nodeid] = "failed"
        elif report.skipped:
            self._outcomes[report.nodeid] = _outcome_of_skip(report)
        elif report.when == "call":
            self._outcomes.setdefault(report.nodeid, "passed")

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print one line for each contract that ran, and write its results."""
        by_title: dict[Title, dict[str, str]] = {}
        for node, outcome in self._outcomes.items():
            by_title.setdefault(self._titles[node], {})[node.split("::")[-1]] = outcome
        if by_title:
            terminalreporter.section("contracts")
        for title, outcomes in by_title.items():
            terminalreporter.line(summary_line(title, outcomes))
            if "failed" in outcomes.values() and title.patience > SHORT:
                terminalreporter.line(
                    f"  a rule that fails may have waited {title.patience:g} s and"
                    f" more: while you write it, set {PATIENCE}={SHORT:g}"
                )
            if folder := os.environ.get(RESULTS):
                _write(Path(folder), title, outcomes)


def summary_line(title: Title, outcomes: dict[str, str]) -> str:
    """Tell in one line what became of the rules.

    Example:
        >>> title = Title(kind="bus", name="nsq", broker="nsqd", suite=1, total=3)
        >>> summary_line(title, {"test_a": "passed", "test_b": "not offered"})
        'bus nsq (nsqd, suite 1): 1 passed, 1 not offered, 1 not run'
    """
    counts = Counter(outcomes.values())
    ran = {name.partition("[")[0] for name in outcomes}
    if left := title.total - len(ran):
        counts["not run"] = left
    told = ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]
    )
    return f"{title.kind} {title.name} ({title.broker}, suite {title.suite}): {told}"


def results_of(config: pytest.Config) -> Results:
    """Return the one tally of a run; the first rule that runs makes it."""
    plugin = config.pluginmanager.get_plugin(NAME)
    if plugin is None:
        plugin = Results(config)
        config.pluginmanager.register(plugin, NAME)
    assert isinstance(plugin, Results)
    return plugin


def _outcome_of_skip(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "known"
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    offered = not reason.removeprefix("Skipped: ").startswith(NOT_OFFERED)
    return "skipped" if offered else "not offered"


def _write(folder: Path, title: Title, outcomes: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = {**attrs.asdict(title), "rules": dict(sorted(outcomes.items()))}
    path = folder / f"{title.kind}-{title.name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
