"""The manifests of the bus. Light: `open` imports what it needs."""

import attrs

from task_bus_redis.options import RedisOptions
from task_core.api import Bus, BusContext, BusPlugin, Capabilities

CAPABILITIES = Capabilities(
    ack=True,
    nack=True,
    nack_delay=True,
    lease=True,
    ordered=True,
    channels=True,
    retains=True,
    delay=True,
    batch_send=True,
    durable=True,
    depth=True,
    topics=True,
    peek=True,
    atomic_settle=True,
    attempts=True,
    headers=True,
)


def _open(options: RedisOptions, context: BusContext) -> Bus:
    from task_bus_redis.bus import make_bus

    return make_bus(options, context, CAPABILITIES)


def _open_tls(options: RedisOptions, context: BusContext) -> Bus:
    return _open(attrs.evolve(options, tls=True), context)


redis = BusPlugin(
    name="redis",
    summary="Redis or Valkey: streams, settled atomically.",
    options=RedisOptions,
    capabilities=CAPABILITIES,
    open=_open,
)
rediss = attrs.evolve(
    redis, name="rediss", summary="The bus redis over TLS.", open=_open_tls
)
