"""What `/stats` tells of topics, channels and clients."""

from typing import TYPE_CHECKING, Any

from brokers.nsqd_stand_in.settings import VERSION

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.broker import Broker
    from brokers.nsqd_stand_in.channel import Channel
    from brokers.nsqd_stand_in.client import Client
    from brokers.nsqd_stand_in.topic import Topic

_LATENCY = {"count": 0, "percentiles": None}
_MEMORY = dict.fromkeys(
    (
        "heap_objects",
        "heap_idle_bytes",
        "heap_in_use_bytes",
        "heap_released_bytes",
        "gc_pause_usec_100",
        "gc_pause_usec_99",
        "gc_pause_usec_95",
        "next_gc_bytes",
        "gc_total_runs",
    ),
    0,
)


def stats(
    broker: "Broker", topic: str, channel: str, *, clients: bool, memory: bool
) -> dict[str, Any]:
    """Return everything, or only what is of one topic and one channel.

    Args:
        broker: that is asked about.
        topic: the only one; "" for all.
        channel: the only one; "" for all.
        clients: whether to tell of clients.
        memory: whether to tell of memory (of which nothing is known here).
    """
    answer: dict[str, Any] = {
        "version": VERSION,
        "health": "OK",
        "start_time": int(broker.started),
        "topics": _topics(broker, topic, channel, clients),
    }
    if memory:
        answer["memory"] = _MEMORY
    producers = [of_client(it, topic) for it in broker.clients if it.published]
    known = clients and answer["topics"] is not None
    answer["producers"] = (producers or None) if known else None
    return answer


def _topics(
    broker: "Broker", name: str, channel: str, clients: bool
) -> list[dict[str, Any]] | None:
    if name and name not in broker.topics:
        return None
    names = [name] if name else sorted(broker.topics)
    topics = [broker.topics[it] for it in names]
    return [
        _topic(it, channel, clients)
        for it in topics
        if not channel or channel in it.channels
    ]


def _topic(topic: "Topic", channel: str, clients: bool) -> dict[str, Any]:
    names = [channel] if channel else sorted(topic.channels)
    depth = len(topic.queue)
    memory = topic.broker.options.mem_queue_size
    return {
        "topic_name": topic.name,
        "channels": [_channel(topic.channels[it], clients) for it in names],
        "depth": depth,
        "backend_depth": max(0, depth - memory),
        "message_count": topic.message_count,
        "message_bytes": topic.message_bytes,
        "paused": topic.paused,
        "e2e_processing_latency": _LATENCY,
    }


def _channel(channel: "Channel", clients: bool) -> dict[str, Any]:
    depth = len(channel.queue)
    memory = channel.topic.broker.options.mem_queue_size
    return {
        "channel_name": channel.name,
        "depth": depth,
        "backend_depth": max(0, depth - memory),
        "in_flight_count": len(channel.in_flight),
        "deferred_count": len(channel.deferred),
        "message_count": channel.message_count,
        "requeue_count": channel.requeue_count,
        "timeout_count": channel.timeout_count,
        "client_count": len(channel.clients),
        "clients": [of_client(it, "") for it in channel.clients] if clients else None,
        "paused": channel.paused,
        "e2e_processing_latency": _LATENCY,
    }


def of_client(client: "Client", topic: str) -> dict[str, Any]:
    """Return what is known of one; of the topics that it published to only one."""
    asked = client.identified
    tls = bool(asked.get("tls"))
    answer: dict[str, Any] = {
        "client_id": asked["client_id"],
        "hostname": asked["hostname"],
        "version": "V2",
        "remote_address": client.remote,
        "state": client.state,
        "ready_count": client.ready_count,
        "in_flight_count": client.in_flight,
        "message_count": client.message_count,
        "finish_count": client.finish_count,
        "requeue_count": client.requeue_count,
        "connect_ts": int(client.connected),
        "sample_rate": client.sample_rate,
        "deflate": bool(client.identified.get("deflate")),
        "snappy": False,
        "user_agent": asked.get("user_agent", ""),
    }
    _add_authorizations(client, answer)
    counts = [it for it in client.published.items() if topic in {"", it[0]}]
    if counts:
        name, count = counts[0]
        answer["pub_counts"] = [{"topic": name, "count": count}]
    return answer | {
        "tls": tls,
        "tls_cipher_suite": client.cipher[0] if tls else "",
        "tls_version": client.cipher[1].replace("v", "") if tls else "",
        "tls_negotiated_protocol": "",
        "tls_negotiated_protocol_is_mutual": tls,
    }


def _add_authorizations(client: "Client", answer: dict[str, Any]) -> None:
    found = client.authorizations
    if found is not None and found.entries:
        answer["authed"] = True
    if found is not None and found.identity:
        answer["auth_identity"] = found.identity
    if found is not None and found.identity_url:
        answer["auth_identity_url"] = found.identity_url
