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
NAME = "task-contract-tally"
FATES = ("passed", "failed", "known", "not offered", "skipped", "not run")
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
    """

    kind: str
    name: str
    broker: str
    suite: int
    total: int
    capabilities: dict[str, Any] = attrs.field(eq=False, factory=dict)


class Tally:
    """A pytest plugin that listens to the reports of rules.

    Args:
        config: Of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._titles: dict[str, Title] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._fates: dict[str, str] = {}

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
        """Remember the worst fate of a test's three phases."""
        if report.nodeid not in self._titles:
            return
        if report.failed:
            self._fates[report.nodeid] = "failed"
        elif report.skipped:
            self._fates[report.nodeid] = _fate_of_skip(report)
        elif report.when == "call":
            self._fates.setdefault(report.nodeid, "passed")

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print one line for each contract that ran, and write its results."""
        by_title: dict[Title, dict[str, str]] = {}
        for node, fate in self._fates.items():
            by_title.setdefault(self._titles[node], {})[node.split("::")[-1]] = fate
        if by_title:
            terminalreporter.section("contracts")
        for title, fates in by_title.items():
            terminalreporter.line(summary_line(title, fates))
            if folder := os.environ.get(RESULTS):
                _write(Path(folder), title, fates)


def summary_line(title: Title, fates: dict[str, str]) -> str:
    """Tell in one line what became of the rules.

    Example:
        >>> title = Title(kind="bus", name="nsq", broker="nsqd", suite=1, total=3)
        >>> summary_line(title, {"test_a": "passed", "test_b": "not offered"})
        'bus nsq (nsqd, suite 1): 1 passed, 1 not offered, 1 not run'
    """
    counts = Counter(fates.values())
    ran = {name.partition("[")[0] for name in fates}
    if left := title.total - len(ran):
        counts["not run"] = left
    told = ", ".join(f"{counts[fate]} {fate}" for fate in FATES if counts[fate])
    return f"{title.kind} {title.name} ({title.broker}, suite {title.suite}): {told}"


def tally_of(config: pytest.Config) -> Tally:
    """Return the one tally of a run; the first rule that runs makes it."""
    plugin = config.pluginmanager.get_plugin(NAME)
    if plugin is None:
        plugin = Tally(config)
        config.pluginmanager.register(plugin, NAME)
    assert isinstance(plugin, Tally)
    return plugin


def _fate_of_skip(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "known"
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    offered = not reason.removeprefix("Skipped: ").startswith(NOT_OFFERED)
    return "skipped" if offered else "not offered"


def _write(folder: Path, title: Title, fates: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = {**attrs.asdict(title), "rules": dict(sorted(fates.items()))}
    path = folder / f"{title.kind}-{title.name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
