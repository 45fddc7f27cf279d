"""The network client of kafka-python, with what we need to know of it."""

from collections.abc import Mapping
from typing import Any

from kafka.errors import KafkaError  # type: ignore[import-untyped]
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]
from kafka.net.manager import KafkaConnectionManager  # type: ignore[import-untyped]
from kafka.net.selector import NetworkSelector  # type: ignore[import-untyped]

from task_bus_kafka.errors import LOGIN

METADATA = {"allow_auto_create_topics": False, "retry_backoff_ms": 20}
"""Settings that the library does not hand on. The second is also how long a topic is
not asked for when others just were."""


class _Manager(KafkaConnectionManager):  # type: ignore[misc]
    """Hears what a broker says before it hangs up.

    The library drops what comes together with the end of a connection, and with it the
    answer to a login that is refused (seen with 3.0.12).
    """

    async def _build_transport(self, node: Any, timeout_at: Any = None) -> Any:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        receive = transport._sock_recv

        def receive_all() -> tuple[bytes, Exception | None]:
            data, error = receive()
            return data, None if data else error  # the end comes again

        transport._sock_recv = receive_all
        return transport


def connected(kind: Any, settings: Mapping[str, Any]) -> tuple[Any, KafkaNetClient]:
    """Make a consumer, a producer or an admin client; return it and its network client.

    One that cannot connect raises, and leaves its threads behind: they are ended here.
    And it tries for its whole timeout to log in, however clear the refusal was: so we
    try first.
    """
    made: list[KafkaNetClient] = []

    def make(**given: Any) -> KafkaNetClient:
        net = NetworkSelector(**given)
        manager = _Manager(net, **given)
        manager.cluster.config.update(METADATA)
        made.append(KafkaNetClient(net, manager, **given))
        if given.get("sasl_mechanism"):
            manager.run(_log_in, manager, given)
        return made[0]

    try:
        return kind(**settings, kafka_client=make), made[0]
    except BaseException:
        for client in made:
            client.close()
        raise


async def _log_in(manager: _Manager, settings: Mapping[str, Any]) -> None:
    """Log in at one of the brokers.

    Raises:
        KafkaError: It refuses. What else may go wrong is told when it matters.
    """
    for broker in manager.cluster.bootstrap_brokers():
        connection = manager.get_connection(
            broker.node_id,
            timeout_ms=settings["bootstrap_timeout_ms"],
            refresh_metadata_on_err=False,
            reset_backoff_on_connect=True,
        )
        try:
            await connection
        except LOGIN:
            raise
        except KafkaError:
            continue
        finally:
            manager.close(broker.node_id)
        return
