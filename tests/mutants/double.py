"""A right bus whose broker can be stopped: what the mutants are made of.

It is the bus `memory` with an address, a login and a switch.
"""

import attrs
from backdoors import MemoryBackdoor

from task_core.api.plugin import BusPlugin
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import (
    _STORAGES,
    MemoryBus,
    MemoryConsumer,
    MemoryProducer,
    Storage,
)
from task_core.errors import BusConnectionError, BusError, PayloadError
from task_core.options import option

CAPABILITIES = attrs.evolve(MEMORY, durable=True, peek=True, max_bytes=100_000)
BAD = "!"
NOBODY = "nobody.example:4711"
SECRET = "open sesame"
WRONG = "open barley"


@attrs.frozen(kw_only=True, eq=False)
class DoubleOptions:
    """Where the broker is, and what it wants to hear."""

    address: str = option(help="Of the broker.")
    secret: str = option(SECRET, help="Of the login.", secret=True)


class Broker:
    """What stays when buses are closed, behind a switch."""

    all = {}  # noqa: RUF012  the network: who listens where

    def __init__(self, address):
        self.storage = _STORAGES.setdefault(address, Storage())
        self.up = True
        self.all[address] = self

    def stop(self):
        """Break all connections: what was held on one is ready again."""
        self.up = False
        with self.storage.changed:
            for topic in self.storage.topics.values():
                for channel in topic.channels.values():
                    self.lose(channel)

    def lose(self, channel):
        channel.give_back(list(channel._leases), 0)

    def start(self):
        self.up = True


class Evading:
    """Lets a mutant replace what is final: by a method `final_...`, after the check."""

    def __init_subclass__(cls, **more):
        super().__init_subclass__(**more)
        for name, value in list(vars(cls).items()):
            if name.startswith("final_"):
                setattr(cls, name.removeprefix("final_"), value)


class DoubleConsumer(Evading, MemoryConsumer):
    """Reaches the broker for all that it does, except to close."""

    def _receive(self, limit, timeout):
        self.bus.reach()
        return super()._receive(limit, timeout)

    def _settle(self, deliveries, messages):
        self.bus.check_names([message.topic for message in messages])
        self.bus.reach()
        super()._settle(deliveries, messages)

    def _nack(self, deliveries, delay):
        self.bus.reach()
        super()._nack(deliveries, delay)

    def _extend(self, deliveries):
        self.bus.reach()
        super()._extend(deliveries)


class DoubleProducer(Evading, MemoryProducer):
    """Reaches the broker for all that it sends."""

    def _send(self, messages):
        self.bus.check_names([message.topic for message in messages])
        self.bus.reach()
        super()._send(messages)

    def _prepare(self, topics):
        self.bus.check_names(topics)


class DoubleBus(Evading, MemoryBus):
    """The bus; mutants replace a part of it."""

    consumer_class = DoubleConsumer
    producer_class = DoubleProducer

    def __init__(self, options, context, capabilities):
        super().__init__(options.address, capabilities, context.lease)
        self.name = "double"
        self.options = options
        self.role = context.role

    def reach(self):
        broker = Broker.all.get(self.options.address)
        if broker is None or not broker.up:
            raise BusConnectionError(f"bus 'double': nobody at {self.options.address}")
        if self.options.secret != SECRET:
            raise BusError(f"bus 'double': {self.options.address} refuses the login")

    def check_names(self, topics):
        if bad := [at for at, topic in enumerate(topics) if BAD in topic]:
            raise PayloadError(f"bus 'double': no topic has a name with '{BAD}'", bad)

    def _subscribe(self, topic, channel, *, prefetch, temporary):
        self.check_names([topic])
        self.reach()
        return self.consumer_class(self, topic, channel, temporary=temporary)

    def _producer(self):
        return self.producer_class(self)

    def _ping(self):
        self.reach()

    def _peek(self, topic, limit):
        self.reach()
        with self.storage.changed:
            found = self.storage.topic(topic)
            held = found.waiting()
            for channel in found.channels.values():
                held = [entry.message.body for entry in sorted(channel.ready)]
            return held[:limit]


class DoubleBackdoor(MemoryBackdoor):
    """Holds the switch."""

    def __init__(self, address, broker):
        super().__init__(address)
        self.address = address
        self.stop, self.start = broker.stop, broker.start
        self.options_class = DoubleOptions

    def bad_topic(self):
        return "no name" + BAD

    def unreachable(self):
        return self.options_class(address=NOBODY), NOBODY

    def refused(self):
        return self.options_class(address=self.address, secret=WRONG), WRONG


def double(bus_class=DoubleBus, capabilities=CAPABILITIES):
    """Return the manifest of a double."""

    def open_double(options, context):
        return bus_class(options, context, capabilities)

    return BusPlugin(
        name="double",
        summary="A memory bus with a switch.",
        open=open_double,
        options=DoubleOptions,
        capabilities=capabilities,
    )
