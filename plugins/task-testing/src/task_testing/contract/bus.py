"""The contract of buses: all its rules, and the three fixtures that an author gives."""

from collections.abc import Iterator
from typing import Any, ClassVar

import attrs
import pytest

from task_core.api.plugin import BusPlugin
from task_testing.contract.backdoor import Backdoor
from task_testing.contract.carrying import Carrying
from task_testing.contract.channels import Channels
from task_testing.contract.crowds import Crowds
from task_testing.contract.extras import Extras
from task_testing.contract.kit import SUITE, Contract
from task_testing.contract.leases import Leases
from task_testing.contract.lifetimes import Lifetimes
from task_testing.contract.outages import Outages
from task_testing.contract.receiving import Receiving
from task_testing.contract.refusals import Refusals
from task_testing.contract.settling import Settling
from task_testing.contract.stage import Stage
from task_testing.contract.tally import Title


class BusContract(
    Carrying,
    Receiving,
    Channels,
    Settling,
    Leases,
    Extras,
    Refusals,
    Lifetimes,
    Crowds,
    Outages,
    Contract,
    defines=True,
):
    """Every rule that a bus keeps. Inherit it, give three fixtures, run pytest.

    Args:
        label: Tells two classes for one plugin apart, for example `tls`.
        lease: Seconds of the leases that end during a rule: long for the broker to
            keep, short to wait for.
        patience: Seconds in which what must happen has happened.

    Example:
        >>> class TestFoo(BusContract):
        ...     @pytest.fixture
        ...     def plugin(self): return foo_plugin
        ...     @pytest.fixture
        ...     def options(self): return FooOptions(address="127.0.0.1:4711")
        ...     @pytest.fixture
        ...     def backdoor(self): return FooBackdoor("127.0.0.1:4711")
    """

    kind = "bus"
    label: ClassVar[str] = ""
    lease: ClassVar[float] = 1.5
    patience: ClassVar[float] = 15.0

    @pytest.fixture
    def plugin(self) -> BusPlugin:
        """Give the manifest."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'plugin'")

    @pytest.fixture
    def options(self) -> Any:
        """Give an object of the manifest's options class."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'options'")

    @pytest.fixture
    def backdoor(self) -> Backdoor:
        """Give the way around the bus."""
        raise NotImplementedError(f"{type(self).__name__}: give a fixture 'backdoor'")

    @pytest.fixture
    def stage(
        self, plugin: BusPlugin, options: Any, backdoor: Backdoor
    ) -> Iterator[Stage]:
        """Where the rule is played."""
        stage = Stage(plugin, options, backdoor, self.lease, self.patience)
        yield stage
        stage.close()

    def _title(self, request: pytest.FixtureRequest) -> Title:
        stage: Stage = request.getfixturevalue("stage")
        name = "-".join(filter(None, (stage.plugin.name, self.label)))
        return Title(
            kind=self.kind,
            name=name,
            broker=stage.backdoor.broker,
            suite=SUITE,
            total=len(self._rules),
            capabilities=attrs.asdict(stage.capabilities),
        )

    def _offers(self, request: pytest.FixtureRequest, capability: str) -> bool:
        stage: Stage = request.getfixturevalue("stage")
        return bool(getattr(stage.capabilities, capability))
