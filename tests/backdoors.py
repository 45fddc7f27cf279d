"""Ways around the core's own buses, for the conformance kit."""

from task_core.api.message import Message
from task_core.builtin.memory_bus import _STORAGES, Storage
from task_core.testing import Backdoor


class MemoryBackdoor(Backdoor):
    """Reaches into the storage that a memory bus shares.

    Args:
        name: Of the storage.
    """

    broker = "in the process"
    shared = False

    def __init__(self, name):
        self.storage = _STORAGES.setdefault(name, Storage())

    def put(self, topic, bodies):
        with self.storage.lock:
            self.storage.put([Message(topic, body) for body in bodies])

    def take(self, topic):
        with self.storage.lock:
            found = self.storage.topics.get(topic)
            return [message.body for message, _ in found._backlog] if found else []

    def in_flight(self, topic, channel):
        with self.storage.lock:
            return len(self.storage.topics[topic].channels[channel]._leases)
