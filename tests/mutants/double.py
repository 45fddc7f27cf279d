"""A right bus whose broker can be stopped: what the mutants are made of.

It is the bus `memory` with an address, a login and a switch.
"""

import attrs
from backdoors import MemoryBackdoor
from task_core.api.refusals import check_messages

from task_core.api.plugin import BusPlugin
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import (
    _STORAGES,
    MemoryBus,
    MemoryConsumer,
    MemoryProducer,
    Storage,
)
from task_core.errors import BusConnectionError, BusError
from task_core.options import option

CAPABILITIES = attrs.evolve(MEMORY, durable=True, peek=True, max_bytes=100_000)
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
        with self.storage.lock:
            for topic in self.storage.topics.values():
                for channel in topic.channels.values():
                    self.lose(channel)

    def lose(self, channel):
        channel.give_back(list(channel._leases), 0)

    def start(self):
        self.up = True


class DoubleConsumer(MemoryConsumer):
    """Reaches the broker for all that it does, except to close."""

    def receive(self, limit, timeout):
        self.check_open()
        self.bus.reach()
        return super().receive(limit, timeout)

    def ack(self, deliveries):
        self.check_open()
        self.bus.reach()
        super().ack(deliveries)

    def nack(self, deliveries, delay=0.0):
        self.check_open()
        self.bus.reach()
        super().nack(deliveries, delay)

    def extend(self, deliveries):
        self.check_open()
        self.bus.reach()
        super().extend(deliveries)


class DoubleProducer(MemoryProducer):
    """Reaches the broker for all that it sends."""

    def send(self, messages):
        self.check(messages)
        self.bus.reach()
        self.put(messages)

    def check(self, messages):
        self.bus.check_messages(messages)
        self.check_open()

    def put(self, messages):
        with self._storage.lock:
            self._storage.put(messages)


class DoubleBus(MemoryBus):
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

    def check_messages(self, messages):
        check_messages(self, messages)

    def subscribe(self, topic, channel):
        self.check_open()
        self.reach()
        consumer = self.consumer_class(self, topic, channel, self._storage)
        self._open.append(consumer)
        return consumer

    def producer(self):
        self.check_open()
        producer = self.producer_class(self, self._storage)
        self._open.append(producer)
        return producer

    def settle(self, consumer, deliveries, messages):
        self.check_open()
        self.check_messages(messages)
        self.reach()
        super().settle(consumer, deliveries, messages)

    def ping(self):
        self.check_open()
        self.reach()

    def peek(self, topic, limit):
        self.check_open()
        self.reach()
        with self._storage.lock:
            found = self._storage.topic(topic)
            held = [message.body for message, _ in found._backlog]
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
