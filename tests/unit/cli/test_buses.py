"""Rules of `task_core.cli.buses`."""

from functools import partial

import pytest

from task_core.api.bus import Role
from task_core.api.message import Message
from task_core.builtin import PLUGINS
from task_core.cli.buses import open_bus, open_selected
from task_core.cli.command_options import SEND as ONE_BUS
from task_core.cli.launch import SECTION
from task_core.cli.parameters import flags_of
from task_core.config.selection import Selector
from task_core.config.sources import NoFile
from task_core.discovery.catalog import Catalog
from task_core.errors import BusClosedError, BusError, FrameworkError

LINE = b'{"type":"a","info":""}'


@pytest.fixture
def settings(folder):
    """Return the settings for some flags."""

    def resolve(section=SECTION, **flags):
        selector = Selector(section, Catalog.scan(PLUGINS), NoFile())
        params = {name: (text,) for name, text in flags.items()}
        known = partial(flags_of, params)
        return selector.resolve(known, selector.select(known))

    return resolve


def test_one_bus_reads_and_writes(settings):
    """Whatever is sent can be received."""
    bus = open_bus(settings(bus="memory"), 1)
    consumer = bus.subscribe("t", "c")
    bus.producer().send([Message("t", LINE)])
    assert [d.body for d in consumer.receive(1, 1)] == [LINE]
    bus.close()


@pytest.mark.parametrize(
    "flags",
    [
        {"in_bus": "file:in", "out_bus": "file:out"},
        {"bus": "file:out", "in_bus": "file:in"},
        {"bus": "file:in", "out_bus": "file:out"},
    ],
    ids=str,
)
def test_two_buses_read_and_write(settings, folder, flags):
    """What is given for one direction only stands before what is given for both."""
    (folder / "in").write_bytes(LINE + b"\n")
    bus = open_bus(settings(**flags), 1)
    [delivery] = bus.subscribe("t", "c").receive(1, 1)
    bus.producer().send([Message("t", delivery.body)])
    bus.close()
    assert (folder / "out").read_bytes() == LINE + b"\n"


def test_a_bus_that_cannot_be_opened_closes_the_other(settings, install):
    """Its file would stay open, its connection be leaked."""
    install("bus", "fails", FAILS)
    with pytest.raises(FrameworkError, match="cannot be opened"):
        open_bus(settings(in_bus="fails:in", out_bus="fails:out"), 1)
    module = __import__("task_bus_fails_mod")
    with pytest.raises(BusClosedError):
        module.opened[0].producer()


def test_a_command_with_one_bus_opens_it_for_what_it_does(settings, folder):
    """To read, a file must be there; to write, it need not."""
    chosen = settings(ONE_BUS, bus="file:no").buses["bus"]
    with pytest.raises(BusError, match="no"):
        open_selected(chosen, Role.IN, 1).subscribe("t", "c")
    bus = open_selected(chosen, Role.OUT, 1)
    bus.producer().send([Message("t", LINE)])
    bus.close()
    assert (folder / "no").exists()


FAILS = """
import attrs
from task_core.api import BusError, BusPlugin, Capabilities, UrlPart, option
from task_core.builtin.memory_bus import MemoryBus

opened = []

@attrs.frozen(kw_only=True)
class Options:
    where: str = option("", help="x", url=UrlPart.LOCATION)

def open(options, context):
    if options.where == "out":
        raise BusError("cannot be opened")
    opened.append(MemoryBus("fails", Capabilities(), 30.0))
    return opened[0]

plugin = BusPlugin(
    name="fails", summary="x", capabilities=Capabilities(), options=Options, open=open
)
"""
