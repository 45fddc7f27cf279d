"""What `/stats` tells of topics, channels and clients."""

from collections.abc import Iterable
from typing import Any, cast

from brokers.nsqd_stand_in.broker import Broker
from brokers.nsqd_stand_in.channel import Channel
from brokers.nsqd_stand_in.connection import Connection
from brokers.nsqd_stand_in.settings import VERSION
from brokers.nsqd_stand_in.topic import Topic

_LATENCY = {"count": 0, "percentiles": None}


def stats(broker: Broker, topic: str, channel: str, *, clients: bool) -> dict[str, Any]:
    """Return everything, or only what is of one topic and one channel.

    Args:
        broker: that is asked about.
        topic: the only one; "" for all.
        channel: the only one; "" for all.
        clients: whether to tell of clients.
    """
    names = [topic] if topic else sorted(broker.topics)
    topics = [broker.topics[it] for it in names if it in broker.topics]
    return {
        "version": VERSION,
        "health": "OK",
        "start_time": int(broker.started),
        "topics": [
            _topic(broker, it, [channel] if channel else sorted(it.channels), clients)
            for it in topics
            if not channel or channel in it.channels
        ]
        if topics or not topic
        else None,
        "producers": None,
    }


def _depth(broker: Broker, waiting: int) -> dict[str, int]:
    in_memory = min(waiting, broker.options.mem_queue_size)
    return {"depth": waiting, "backend_depth": waiting - in_memory}


def _topic(
    broker: Broker, topic: Topic, names: Iterable[str], clients: bool
) -> dict[str, Any]:
    return {
        "topic_name": topic.name,
        "channels": [_channel(broker, topic.channels[it], clients) for it in names],
        **_depth(broker, len(topic.queue)),
        "message_count": topic.message_count,
        "message_bytes": topic.message_bytes,
        "paused": False,
        "e2e_processing_latency": _LATENCY,
    }


def _channel(broker: Broker, channel: Channel, clients: bool) -> dict[str, Any]:
    known = cast("list[Connection]", channel.clients)
    return {
        "channel_name": channel.name,
        **_depth(broker, len(channel.queue)),
        "in_flight_count": len(channel.in_flight),
        "deferred_count": len(channel.deferred),
        "message_count": channel.message_count,
        "requeue_count": channel.requeue_count,
        "timeout_count": channel.timeout_count,
        "client_count": len(channel.clients),
        "clients": [_client(it) for it in known] if clients else None,
        "paused": False,
        "e2e_processing_latency": _LATENCY,
    }


def _client(client: Connection) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "hostname": client.hostname,
        "version": "V2",
        "remote_address": client.remote,
        "state": client.state,
        "ready_count": client.ready_count,
        "in_flight_count": client.in_flight,
        "message_count": client.message_count,
        "finish_count": client.finish_count,
        "requeue_count": client.requeue_count,
        "connect_ts": int(client.connected),
        "tls": client.tls,
    }
