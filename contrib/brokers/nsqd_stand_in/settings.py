"""What nsqd and nsqlookupd can be told: their flags, with the same defaults."""

import socket
import zlib
from typing import Any

from brokers.nsqd_stand_in.flags import Kind, duration, several, switch, tls_required

VERSION = "1.3.0"
"""Of the nsqd whose protocol this speaks: clients ask for it."""
HOST = socket.gethostname()

_COMMON: dict[str, tuple[Kind, Any]] = {
    "version": (switch, False),
    "verbose": (switch, False),
    "log-level": (str, "info"),
}
NSQD: dict[str, tuple[Kind, Any]] = {
    **_COMMON,
    "log-prefix": (str, "[nsqd] "),
    "node-id": (int, zlib.crc32(HOST.encode()) % 1024),
    "worker-id": (switch, False),
    "tcp-address": (str, "0.0.0.0:4150"),
    "http-address": (str, "0.0.0.0:4151"),
    "https-address": (str, "0.0.0.0:4152"),
    "broadcast-address": (str, HOST),
    "broadcast-tcp-port": (int, 0),
    "broadcast-http-port": (int, 0),
    "lookupd-tcp-address": (several, []),
    "auth-http-address": (several, []),
    "http-client-connect-timeout": (duration, 2.0),
    "http-client-request-timeout": (duration, 5.0),
    "data-path": (str, ""),
    "mem-queue-size": (int, 10_000),
    "max-bytes-per-file": (int, 104_857_600),
    "sync-every": (int, 2_500),
    "sync-timeout": (duration, 2.0),
    "queue-scan-worker-pool-max": (int, 4),
    "queue-scan-selection-count": (int, 20),
    "msg-timeout": (duration, 60.0),
    "max-msg-timeout": (duration, 900.0),
    "max-msg-size": (int, 1_048_576),
    "max-body-size": (int, 5_242_880),
    "max-req-timeout": (duration, 3600.0),
    "max-heartbeat-interval": (duration, 60.0),
    "max-rdy-count": (int, 2_500),
    "max-output-buffer-size": (int, 65_536),
    "max-output-buffer-timeout": (duration, 30.0),
    "min-output-buffer-timeout": (duration, 0.025),
    "output-buffer-timeout": (duration, 0.25),
    "max-channel-consumers": (int, 0),
    "statsd-address": (str, ""),
    "statsd-interval": (duration, 60.0),
    "statsd-mem-stats": (switch, True),
    "statsd-prefix": (str, "nsq.%s"),
    "statsd-udp-packet-size": (int, 508),
    "statsd-exclude-ephemeral": (switch, False),
    "e2e-processing-latency-percentile": (several, []),
    "e2e-processing-latency-window-time": (duration, 600.0),
    "tls-cert": (str, ""),
    "tls-key": (str, ""),
    "tls-client-auth-policy": (str, ""),
    "tls-root-ca-file": (str, ""),
    "tls-required": (tls_required, "false"),
    "tls-min-version": (str, "tls1.0"),
    "deflate": (switch, True),
    "max-deflate-level": (int, 6),
    "snappy": (switch, True),
}
NSQLOOKUPD: dict[str, tuple[Kind, Any]] = {
    **_COMMON,
    "log-prefix": (str, "[nsqlookupd] "),
    "tcp-address": (str, "0.0.0.0:4160"),
    "http-address": (str, "0.0.0.0:4161"),
    "broadcast-address": (str, HOST),
    "inactive-producer-timeout": (duration, 300.0),
    "tombstone-lifetime": (duration, 45.0),
}


def address(text: str) -> tuple[str, int]:
    """Split `host:port`; no host means every one."""
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "0.0.0.0", int(port)
