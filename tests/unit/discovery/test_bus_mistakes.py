"""Rules of `task_core.api.part`: a bus that breaks the contract is told as that."""

import pytest

from task_core.api.bus import BusContext
from task_core.api.plugin import NoOptions
from task_core.discovery.catalog import Catalog
from task_core.discovery.loader import load
from task_core.errors import PluginContractError

SOURCE = """
from task_core.api import Bus, BusPlugin, Capabilities, Consumer, Delivery, Producer

CAN = Capabilities(ack=True, nack=True)

class C(Consumer):
    def _receive(self, limit, timeout):
        return [Delivery(b"{{}}", 1)]
    def _ack(self, deliveries): ...
    def _nack(self, deliveries, delay): ...

class P(Producer):
    def _send(self, messages): ...

class B(Bus):
    def _subscribe(self, topic, channel, *, prefetch, temporary):
        return C(self, topic, channel)
    def _producer(self):
        return P(self)

def nothing(*args, **more): ...

{mistake}

plugin = BusPlugin(
    name="x", summary="", capabilities=CAN, open=lambda options, context: B("x", CAN)
)
"""
MISTAKES = {
    "B.__init__ = nothing": "B.__init__ does not call super().__init__(name, cap",
    "C.__init__ = nothing": (
        "C.__init__ does not call super().__init__(bus, topic, channel)"
    ),
    "P.__init__ = nothing": "P.__init__ does not call super().__init__(bus)",
    "C._receive = lambda self, limit: []": (
        "C._receive takes (limit), and is called with (limit, timeout)"
        " (task_bus_x_mod.py:23)"
    ),
    "B._subscribe = lambda self, topic, channel: None": (
        "B._subscribe takes (topic, channel), and is called with (topic, channel,"
        " prefetch=…, temporary=…)"
    ),
    "P._send = lambda self: None": "P._send takes (), and is called with (messages)",
    "P._send = 3": "P._send is no function",
    "B._subscribe = nothing": "_subscribe gives None, not a Consumer",
    "B._producer = lambda self: {}": "_producer gives a dict, not a Producer",
    "CAN = {}": "its capabilities are a dict, not task_core.api.Capabilities",
    "B.__init__ = lambda self, *_: Bus.__init__(self, 'x', 3)": (
        "the capabilities of B are an int, not Capabilities"
    ),
    "C._receive = lambda *_: [Delivery('x')]": (
        "_receive gives a Delivery whose body is a str, not bytes"
    ),
    # None of these is split, hashed or read as bytes are.
    "C._receive = lambda *_: [Delivery(memoryview(b'x'))]": (
        "_receive gives a Delivery whose body is a memoryview, not bytes"
    ),
    "C._receive = lambda *_: [Delivery(bytearray(b'{}'), 1)]": (
        "_receive gives a Delivery whose body is a bytearray, not bytes"
    ),
    "C._receive = lambda *_: [b'x']": "_receive gives a list of bytes, not a list of",
    "C._receive = lambda *_: Delivery(b'x')": "_receive gives a Delivery, not a list",
    "C._receive = nothing": "_receive gives None, not a list of Delivery",
    "C._receive = lambda *_: iter([1])": "_receive gives a list_iterator, not a list",
    "def g(self, limit, timeout): yield\nC._receive = g": "C._receive has a yield: ret",
    "async def g(self, limit, timeout): ...\nC._receive = g": (
        "C._receive is an async def: a bus is synchronous, write def"
    ),
    "CAN = Capabilities(depth=True)": (
        "it declares the capability 'depth', and B has no _depth"
    ),
    "CAN = Capabilities(lease=True)": (
        "it declares the capability 'lease', and C has no _extend"
    ),
    "CAN = Capabilities(outbox=True)": (
        "it declares the capability 'outbox', and P has no _send_within"
    ),
}


def used(site, mistake):
    site.install("task-bus-x", source=SOURCE.format(mistake=mistake))
    plugin = load(Catalog(path=site.path).find("bus", "x"))
    bus = plugin.open(NoOptions(), BusContext())
    bus.prepare(["done"])
    return bus.subscribe("x", "x").receive(1, 0.01)


def test_a_bus_without_a_mistake_is_used(site):
    """What follows would otherwise say nothing."""
    assert used(site, "")[0].token == 1


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_says_what_where_and_whose(site, mistake):
    """It is no bug of the framework, and needs none of its frames to be found."""
    with pytest.raises(PluginContractError) as caught:
        used(site, mistake)
    begin, _, rest = str(caught.value).partition(" (task_bus_x_mod:plugin): ")
    assert begin == "bus 'x' of task-bus-x 1.0"
    assert rest.startswith(MISTAKES[mistake])
    assert rest.endswith(": tell its author")
    assert "\n" not in rest


@pytest.mark.parametrize(
    "good",
    [
        "C._receive = lambda self, *many: [Delivery(b'{}', 1)]",
        "P._send = nothing",
        "C._receive = lambda *_: (Delivery(b'{}', 1),)",
        "P._send = print",
    ],
)
def test_what_can_be_called_as_the_contract_says_will_do(site, good):
    """However it is written."""
    assert used(site, good)[0].token == 1
