"""The list of mutants, and the contract that each of them breaks."""

import uuid

import attrs
import pytest
from sqlite_backdoor import SqliteBackdoor
from task_bus_sqlite.bus import SqliteBus
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import CAPABILITIES as SQLITE
from task_bus_sqlite.plugin import sqlite
from task_testing import BusContract

from mutants.double import (
    CAPABILITIES,
    Broker,
    DoubleBackdoor,
    DoubleBus,
    DoubleConsumer,
    DoubleOptions,
    DoubleProducer,
    double,
)
from task_core.api import Capabilities


@attrs.frozen(kw_only=True)
class Mutant:
    """One wrong bus.

    Args:
        part: The class that is wrong.
        rule: Who is to catch it.
        tells: What the failure is to say, as a pattern.
        declares: Capabilities that it claims or hides, unlike the right bus.
    """

    part: type
    rule: str
    tells: str
    declares: dict


MUTANTS = {}


def caught_by(rule, tells, **declares):
    """Enlist a wrong part of a bus."""

    def enlist(part):
        assert part.__name__ not in MUTANTS
        MUTANTS[part.__name__] = Mutant(
            part=part, rule=f"test_{rule}", tells=tells, declares=declares
        )
        return part

    return enlist


class Double(BusContract):
    """The double keeps every rule."""

    lease = 0.4
    patience = 5.0
    short_patience = 0.8
    part = DoubleBus
    declares = {}  # noqa: RUF012  replaced, never changed

    @pytest.fixture
    def plugin(self):
        capabilities = attrs.evolve(CAPABILITIES, **self.declares)
        return double(_bus_class(self.part), capabilities)

    @pytest.fixture
    def options(self):
        made = self.part if issubclass(self.part, DoubleOptions) else DoubleOptions
        return made(address=f"{uuid.uuid4().hex}:4711")

    @pytest.fixture
    def backdoor(self, options):
        made = self.part if issubclass(self.part, Broker) else Broker
        backdoor = DoubleBackdoor(options.address, made(options.address))
        backdoor.options_class = type(options)
        return backdoor


class Sqlite(BusContract):
    """The bus sqlite: the mutants for the rules about processes."""

    lease = 0.5
    patience = 8.0
    short_patience = 3.0
    part = SqliteBus
    declares = {}  # noqa: RUF012  replaced, never changed

    @pytest.fixture
    def plugin(self):
        capabilities = attrs.evolve(SQLITE, **self.declares)
        opened = OpenSqlite(self.part, capabilities)
        return attrs.evolve(sqlite, open=opened, capabilities=capabilities)

    @pytest.fixture
    def options(self, tmp_path):
        return SqliteOptions(path=str(tmp_path / "task.db"))

    @pytest.fixture
    def backdoor(self, plugin, options):
        return SqliteBackdoor(plugin, options)


@attrs.frozen
class OpenSqlite:
    """What other processes can import."""

    part: type
    capabilities: Capabilities

    def __call__(self, options, context):
        return self.part(options, context, self.capabilities)


def wrong_bus(name, pace):
    """Return the contract class of a mutant: what is to be caught is not waited for.

    Args:
        name: Of the mutant.
        pace: How many times as long leases and patience are as in a hurry.
    """
    mutant = MUTANTS[name]
    home = Sqlite if issubclass(mutant.part, SqliteBus) else Double
    faults = {"part": mutant.part, "declares": mutant.declares}
    patience = home.short_patience + (1.0 if "delay" in mutant.rule else 0.0)
    times = {"lease": pace * home.lease, "patience": pace * patience}
    return type(f"Wrong{name}", (home,), {**faults, **times})


def _bus_class(part):
    if issubclass(part, DoubleBus):
        return part
    for base, place in (
        (DoubleConsumer, "consumer_class"),
        (DoubleProducer, "producer_class"),
    ):
        if issubclass(part, base):
            return type(part.__name__, (DoubleBus,), {place: part})
    return DoubleBus
