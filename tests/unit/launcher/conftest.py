"""What the tests of the runtime share: a launcher put together as the command does."""

import logging
import threading
import time
from collections import deque

import attrs
import msgspec
import pytest

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.api.plugin import WorkerPlugin
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.clock import SystemClock
from task_core.launcher import parts
from task_core.launcher.context import SharedContext
from task_core.launcher.handover import Handover
from task_core.launcher.launcher import Launcher, make_launcher
from task_core.launcher.plan import NoHooks
from task_core.launcher.signature import compile_call
from task_core.launcher.stop import Cancel
from task_core.task import Task
from task_core.wire import decode_task, encode_task

SLOTS = {False: "task_core.launcher.handover", True: "task_core.launcher.coroutines"}
LOG = logging.getLogger("task.test")
CLOCK = SystemClock()


@pytest.fixture
def until():
    """Wait until something is so: `until(lambda: ...)`; fail when it takes too long."""

    def wait(is_so):
        deadline = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    return wait


class Hooks:
    """Hooks by name; what is not given has no listener."""

    def __init__(self, **functions):
        self.functions = functions

    def observer(self, name):
        return self.functions.get(name)

    decider = observer


def make_slots(worker, count=1, hooks=None, handover=None, cancel=None):
    """Return slots for a worker, their handover and the cancel switch."""
    handover, cancel = handover or Handover(), cancel or Cancel()
    shared = SharedContext(cancel=cancel, log=LOG)
    call = compile_call(worker)
    made = parts.make_slots(count, call, handover, shared, CLOCK, hooks or NoHooks())
    return made, handover, cancel


@attrs.define
class Rig:
    """A launcher and everything that a test may want to look at."""

    launcher: Launcher
    thread: threading.Thread | None = None

    @property
    def bus(self):
        return self.launcher.parts.bus

    @property
    def stats(self):
        return self.launcher.stats

    @property
    def handover(self):
        return self.launcher.parts.handover

    @property
    def window(self):
        return self.launcher.parts.window

    def start(self):
        """Run in a thread of its own."""
        self.thread = threading.Thread(target=self.launcher.run, daemon=True)
        self.thread.start()
        return self

    def join(self, seconds=20):
        """Wait for the end."""
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the launcher does not end"


def make_rig(worker, bus, *, slots=None, hooks=None, **settings):
    """Put a launcher together; topic and type are `load`."""
    plugin = WorkerPlugin(name="load", summary="", make=lambda options: worker)
    made = make_launcher(plugin, bus, hooks=hooks, log=LOG, **settings)
    if slots is not None:
        made.parts = msgspec.structs.replace(made.parts, slots=slots)
    return Rig(made)


@pytest.fixture
def rig():
    return make_rig


class ScriptBus(Bus):
    """Delivers given bodies and writes down every call: what a real bus would hide.

    Args:
        bodies: What to deliver.
        bounded: Whether the stream ends after them.
        capabilities: Default: acknowledges and takes back.
        on_receive: Called with the bus at the start of every receive.
        attempt: The how-manyth receipt each is.
        read_ahead: Bodies that it had to read and that nobody took.
    """

    def __init__(
        self,
        bodies=(),
        *,
        bounded=True,
        capabilities=None,
        on_receive=lambda bus: None,
        attempt=1,
        read_ahead=(),
    ):
        super().__init__("script", capabilities or Capabilities(ack=True, nack=True))
        self.left = deque(
            Delivery(body, token, attempt) for token, body in enumerate(bodies)
        )
        self.bounded = bounded
        self.read_ahead = read_ahead
        self.on_receive = on_receive
        self.settles = []
        self.given_back = []
        self.extended = []
        self.held = set()
        self.most_held = 0
        self.limits = []
        self.bell = threading.Event()
        self.failures = deque()

    def _subscribe(self, topic, channel, *, prefetch, temporary):
        self.prefetch = prefetch
        return ScriptConsumer(self, topic, channel)

    def _producer(self):
        return ScriptProducer(self)

    @property
    def sent(self):
        """Every message settled, as (topic, body)."""
        return [(m.topic, m.body) for _, messages in self.settles for m in messages]

    @property
    def done(self):
        """The done tasks."""
        return [decode_task(body) for topic, body in self.sent if topic == "done"]

    @property
    def settled(self):
        """Tokens of the settled deliveries, in order."""
        return [d.token for deliveries, _ in self.settles for d in deliveries]


class ScriptConsumer(Consumer):
    """See `ScriptBus`."""

    knows_lost = True  # tests say what is lost

    def _receive(self, limit, timeout):
        bus = self.bus
        bus.limits.append(limit)
        bus.on_receive(bus)
        if not bus.left:
            bus.bell.wait(timeout)
            bus.bell.clear()
        count = min(limit, len(bus.left))
        deliveries = [bus.left.popleft() for _ in range(count)]
        bus.held |= {delivery.token for delivery in deliveries}
        bus.most_held = max(bus.most_held, len(bus.held))
        return deliveries

    def _exhausted(self):
        return self.bus.bounded and not self.bus.left

    def _wake(self):
        self.bus.bell.set()

    def _drain(self):
        return [Delivery(body, body) for body in self.bus.read_ahead]

    def _settle(self, deliveries, messages):
        bus = self.bus
        if bus.failures:
            raise bus.failures.popleft()
        bus.settles.append((list(deliveries), list(messages)))
        bus.held -= {delivery.token for delivery in deliveries}

    def _nack(self, deliveries, delay):
        tokens = [delivery.token for delivery in deliveries]
        self.bus.given_back += tokens
        self.bus.held -= set(tokens)

    def _extend(self, deliveries):
        self.bus.extended.append([delivery.token for delivery in deliveries])


class ScriptProducer(Producer):
    """Takes nothing: settling does not go through it."""

    def _send(self, messages):
        raise AssertionError("the launcher settles, it does not send")


class IdleSlots:
    """Slots that never begin anything: the thread that would has no processor."""

    def start(self):
        """Do nothing."""

    def submit(self, jobs):
        self.handover.waiting.extend(jobs)

    def held(self):
        return []

    def mend(self):
        return 0

    def close(self):
        """Do nothing."""


@pytest.fixture
def idle_slots():
    return IdleSlots


def bodies(*infos, type="load"):
    """Return tasks as they are on the wire."""
    return [encode_task(Task(type=type, info=str(info))) for info in infos]


@pytest.fixture
def script():
    """`script(bus arguments)` makes a bus that writes everything down."""
    return ScriptBus


@pytest.fixture
def memory():
    """A real bus, alone in its storage, and what tests do at its other end."""
    bus = OtherEnd(object())
    yield bus
    bus.close()


class OtherEnd(MemoryBus):
    """A memory bus with the calls of a person who looks at a broker."""

    def __init__(self, name):
        super().__init__(name, MEMORY, 30.0)
        self.name_ = name
        self.ends = {}

    def open(self, lease=30.0):
        """Return a second connection."""
        return MemoryBus(self.name_, MEMORY, lease)

    def watch(self, *topics):
        """Start to keep what arrives on topics."""
        for topic in topics:
            self.ends[topic] = self.subscribe(topic, "watch")
        return self

    def put(self, *contents, topic="load"):
        """Send bodies."""
        self.producer().send([Message(topic, body) for body in contents])

    def take(self, topic="done", count=1000, timeout=0.0):
        """Return the bodies on a watched topic, waiting for the first."""
        found = self.ends[topic].receive(count, timeout)
        self.ends[topic].ack(found)
        return [delivery.body for delivery in found]

    def tasks(self, topic="done", **limits):
        """Return them as tasks."""
        return [decode_task(body) for body in self.take(topic, **limits)]


@pytest.fixture
def make_tasks():
    return bodies


@pytest.fixture
def hooks():
    return Hooks


@pytest.fixture
def slots():
    """`slots(worker)` makes slots and closes them after the test."""
    made = []

    def make(*args, **kwargs):
        made.append(make_slots(*args, **kwargs))
        return made[-1]

    yield make
    for slots_, _, _ in made:
        slots_.close()
