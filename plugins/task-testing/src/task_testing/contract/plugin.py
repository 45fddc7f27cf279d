"""What the contracts of workers and of taskmasters have in common."""

import contextlib
import io
import logging
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from task_core.api import (
    Task,
    TaskmasterPlugin,
    WorkerPlugin,
    accepted_api,
    decode_task,
    encode_task,
)
from task_testing.contract.kit import SUITE, Contract
from task_testing.contract.results import Title
from task_testing.harness import default_options


class PluginContract(Contract, defines=True):
    """Rules of whatever the launcher runs.

    Args:
        label: Tells two classes for one plugin apart.
    """

    label: ClassVar[str] = ""

    @pytest.fixture
    def plugin(self) -> WorkerPlugin | TaskmasterPlugin:
        """Give the manifest."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'plugin'")

    @pytest.fixture
    def options(self, plugin: WorkerPlugin | TaskmasterPlugin) -> Any:
        """Give the options; by default those that nobody has set."""
        return default_options(plugin)

    @pytest.fixture
    def run(self) -> Callable[[], list[Task]]:
        """Give what runs it afresh, and returns all that it sent."""
        raise NotImplementedError

    def test_the_manifest_speaks_a_known_api(
        self, plugin: WorkerPlugin | TaskmasterPlugin
    ) -> None:
        """And says in one line what it is for."""
        oldest, newest = accepted_api(self.kind)
        assert oldest <= plugin.api <= newest
        assert plugin.summary
        assert "\n" not in plugin.summary

    def test_what_it_sends_can_be_carried(self, run: Callable[[], list[Task]]) -> None:
        """Over the wire and back."""
        for sent in run():
            assert sent.type
            assert encode_task(decode_task(encode_task(sent))) == encode_task(sent)

    def test_it_prints_nothing(self, run: Callable[[], list[Task]]) -> None:
        """Data goes to the bus, words to `ctx.log`."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run()
        assert printed.getvalue() == ""

    def test_it_leaves_the_logging_of_others_alone(
        self, run: Callable[[], list[Task]]
    ) -> None:
        """The command line decides what is shown."""
        root = logging.getLogger()
        before = (root.level, list(root.handlers))
        run()
        assert (root.level, list(root.handlers)) == before

    def _title(self, request: pytest.FixtureRequest) -> Title:
        plugin: WorkerPlugin | TaskmasterPlugin = request.getfixturevalue("plugin")
        return Title(
            kind=self.kind,
            name="-".join(filter(None, (plugin.name, self.label))),
            broker="no bus",
            suite=SUITE,
            total=len(self._rules),
        )

    def _offers(self, request: pytest.FixtureRequest, capability: str) -> bool:
        return True
