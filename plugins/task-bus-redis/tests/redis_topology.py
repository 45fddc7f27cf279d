"""Redis as it is run by those who cannot do without it: sentinels, and clusters."""

from brokers.insist import until
from brokers.ports import free_address, split
from brokers.redis import Redis
from redis import Redis as Client
from redis import exceptions


def client(server):
    """Connect to a server, past the bus."""
    host, port = split(server.address)
    return Client(host, port, protocol=2)


def replica_of(start, server):
    """Start a replica, and wait until it has all."""
    host, port = split(server.address)
    options = {"replicaof": f"{host} {port}", "repl-diskless-sync-delay": 0}
    replica = start(Redis, options=options)
    until(
        lambda: client(replica).info("replication")["master_link_status"] == "up",
        exceptions.RedisError,
    )
    return replica


class Sentinel(Redis):
    """A sentinel that watches one server, and decides alone."""

    name = "Sentinel"

    def __init__(self, server):
        super().__init__()
        self._watched = split(server.address)

    def command(self):
        """Return the program and its arguments."""
        return [self.path(), str(self._settings), "--sentinel"]

    def prepare(self):
        """Write the settings, unless it has gone on writing them itself."""
        if self._settings.exists():
            return
        (host, port), (watched_host, watched) = split(self.address), self._watched
        lines = [
            f"bind {host}",
            f"port {port}",
            f"sentinel monitor mymaster {watched_host} {watched} 1",
            "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 3000",
        ]
        self._settings.write_text("\n".join(lines) + "\n", "utf-8")


def cluster_of(start, count):
    """Start a cluster of so many nodes, each with a part of the slots."""
    nodes = []
    for number in range(count):
        bus = split(free_address())[1]
        options = {"cluster-enabled": "yes", "cluster-port": bus}
        nodes.append(start(Redis, options=options))
        begin, end = 16384 * number // count, 16384 * (number + 1) // count - 1
        node = client(nodes[-1])
        node.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end)
        if number:
            host, first = split(nodes[0].address)
            port_of_bus = client(nodes[0]).config_get("cluster-port")["cluster-port"]
            node.execute_command("CLUSTER", "MEET", host, first, port_of_bus)
    for one in nodes:
        until(lambda one=one: _is_whole(client(one)), exceptions.RedisError)
    return nodes


def _is_whole(node):
    told = node.execute_command("CLUSTER", "INFO")
    text = (
        told
        if isinstance(told, dict)
        else dict(line.split(":") for line in told.decode().split())
    )
    return text["cluster_state"] == "ok" and int(text["cluster_slots_ok"]) == 16384
