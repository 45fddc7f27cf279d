"""The contract of buses: all its rules, and the three fixtures that an author gives."""

import os
from collections.abc import Iterator
from typing import Any, ClassVar

import attrs
import pytest

from task_core.api import BusPlugin
from task_testing.contract.backdoor import Backdoor
from task_testing.contract.carrying import Carrying
from task_testing.contract.channels import Channels
from task_testing.contract.environment import Environment
from task_testing.contract.extras import Extras
from task_testing.contract.kit import SUITE, Contract
from task_testing.contract.leases import Leases
from task_testing.contract.lifetimes import Lifetimes
from task_testing.contract.outages import Outages
from task_testing.contract.processes import Processes
from task_testing.contract.receiving import Receiving
from task_testing.contract.refusals import Refusals
from task_testing.contract.removing import Removing
from task_testing.contract.results import PATIENCE, Title
from task_testing.contract.settling import Settling


class BusContract(  # pytest runs the rules of the last base first
    Outages,
    Processes,
    Lifetimes,
    Refusals,
    Extras,
    Leases,
    Removing,
    Channels,
    Settling,
    Receiving,
    Carrying,
    Contract,
    defines=True,
):
    """Every rule that a bus keeps. Inherit it, give three fixtures, run pytest.

    Args:
        label: Tells two classes for one plugin apart, for example `tls`.
        lease: Seconds of the leases that end during a rule: long for the broker to
            keep, short to wait for.
        patience: Seconds in which what must happen has happened. The environment
            variable `TASK_CONTRACT_PATIENCE` sets it for one run.
        away: Seconds more until a reader whose broker was away may have its messages
            again: a lease (30) where an outage of so long costs it its place.

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
    away: ClassVar[float] = 0.0

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
    def env(
        self, plugin: BusPlugin, options: Any, backdoor: Backdoor
    ) -> Iterator[Environment]:
        """Buses to open, closed at the end."""
        patience = float(os.environ.get(PATIENCE, self.patience))
        env = Environment(plugin, options, backdoor, self.lease, patience, self.away)
        yield env
        env.close()

    def _title(self, request: pytest.FixtureRequest) -> Title:
        env: Environment = request.getfixturevalue("env")
        name = "-".join(filter(None, (env.plugin.name, self.label)))
        return Title(
            kind=self.kind,
            name=name,
            broker=env.backdoor.broker,
            suite=SUITE,
            total=len(self._rules),
            capabilities=attrs.asdict(env.capabilities),
            patience=env.patience,
        )

    def _offers(self, request: pytest.FixtureRequest, capability: str) -> bool:
        env: Environment = request.getfixturevalue("env")
        return bool(getattr(env.capabilities, capability))
