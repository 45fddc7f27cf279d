"""A way around the bus: the commands of Redis by hand."""

from brokers.ports import free_address, split
from redis import Redis
from task_bus_redis.keys import Keys
from task_bus_redis.options import RedisOptions
from task_testing import Backdoor


class RedisBackdoor(Backdoor):
    """Reads and writes one server.

    Args:
        server: The broker.
        guarded: A broker for those alone who log in.
        prefix: What the keys begin with.
        refusing: Makes options with a wrong secret, and the secret.
    """

    def __init__(self, server, guarded, prefix="task", refusing=None):
        self.server = server
        self.broker = server.implementation
        self._refusing = refusing or (lambda: wrong_login(guarded))
        self._keys = Keys(prefix)
        host, port = split(server.address)
        login = {"username": server.user, "password": server.password}
        self._redis = Redis(host, port, protocol=2, **login)

    def put(self, topic, bodies):
        base = self._keys.base(topic)
        self._redis.sadd(self._keys.registry, base)
        channels = self._redis.zrange(f"{base}:channels", 0, -1) or [b""]
        for body in bodies:
            for channel in channels:
                self._redis.xadd(f"{base}:tasks:{channel.decode()}", {"b": body})

    def take(self, topic):
        entries = self._redis.xrange(f"{self._keys.base(topic)}:tasks:")
        return [fields[b"b"] for _, fields in entries]

    def in_flight(self, topic, channel):
        stream = f"{self._keys.base(topic)}:tasks:{channel}"
        owners = self._redis.xpending(stream, "task")["consumers"]
        return sum(one["pending"] for one in owners if one["name"] != b"0:nobody")

    def stop(self):
        self.server.stop()

    def start(self):
        self.server.start()

    def unreachable(self):
        address = free_address()
        host, port = split(address)
        return RedisOptions(host=host, port=port), address

    def refused(self):
        return self._refusing()


def wrong_login(server):
    """Return options with a wrong password, and the password."""
    host, port = split(server.address)
    wrong = "wrong-secret"
    return RedisOptions(host=host, port=port, username="tester", password=wrong), wrong
