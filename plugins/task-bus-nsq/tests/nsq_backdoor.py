"""A way around the bus: HTTP, and the protocol by hand."""

import json
import select
import socket
import struct
import time
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

from brokers.ports import free_address
from task_bus_nsq.options import NsqOptions
from task_testing import Backdoor, not_offered

BRIEF = b'{"msg_timeout":1000}'
_opener = build_opener(ProxyHandler({}))


def http(address, path, body=None, **query):
    """Call, and return the bytes of the answer."""
    url = f"http://{address}{path}?{urlencode(query)}"
    with _opener.open(url, data=body, timeout=10) as response:
        return response.read()


class NsqBackdoor(Backdoor):
    """Reads and writes one nsqd.

    Args:
        nsqd: The broker.
        refusing: Makes options with a wrong secret, and the secret.
        secret: What the nsqd asks for.
    """

    def __init__(self, nsqd, refusing=None, secret=""):
        self.nsqd = nsqd
        self.broker = nsqd.implementation
        self._refusing = refusing
        self._secret = secret.encode()
        self._taken = {}

    def put(self, topic, bodies):
        if not all(bodies):
            not_offered("NSQ has no empty messages")
        parts = [struct.pack(">i", len(body)) + body for body in bodies]
        batch = struct.pack(">i", len(parts)) + b"".join(parts)
        http(self.nsqd.http, "/mpub", batch, topic=topic, binary="true")

    def take(self, topic):
        """Read all with a channel of its own, and keep what was read."""
        found = self._taken.setdefault(topic, [])
        if self._stats(topic) is None:
            return list(found)
        host, port = self.nsqd.tcp.split(":")
        with socket.create_connection((host, int(port)), 10) as sock:
            # what comes too late for this call is soon there for the next one
            sock.sendall(b"  V2IDENTIFY\n" + struct.pack(">i", len(BRIEF)) + BRIEF)
            if self._secret:
                size = struct.pack(">i", len(self._secret))
                sock.sendall(b"AUTH\n" + size + self._secret)
            sock.sendall(b"SUB %b backdoor\nRDY 100\n" % topic.encode())
            data = sock.recv(65536)
            while data or self._waiting(topic):
                for kind, frame in (frames := Frames(data)):
                    if kind == 2:
                        sock.sendall(b"FIN " + frame[10:26] + b"\n")
                        found.append(frame[26:])
                data = frames.rest
                if select.select([sock], [], [], 0.02)[0]:
                    data += sock.recv(65536)
        return list(found)

    def channels(self, topic):
        stats = self._stats(topic)
        return [channel["channel_name"] for channel in stats["channels"] or ()]

    def bad_topic(self):
        return "no name"

    def in_flight(self, topic, channel):
        return self.channel(topic, channel)["in_flight_count"]

    def in_flight_or_none(self, topic, channel):
        """Return the same, or None while there is no such channel; waits a little."""
        time.sleep(0.02)
        stats = self._stats(topic)
        names = [c["channel_name"] for c in stats["channels"]] if stats else []
        return self.in_flight(topic, channel) if channel in names else None

    def ready_count(self, topic, channel):
        """Return how many messages the one client may have in flight."""
        (client,) = self.channel(topic, channel)["clients"]
        return client["ready_count"]

    def channel(self, topic, channel):
        """Return what nsqd tells of a channel."""
        stats = self._stats(topic)
        return next(c for c in stats["channels"] if c["channel_name"] == channel)

    def stop(self):
        if not self.nsqd.ours:
            not_offered("stopping an nsqd that somebody else runs")
        self.nsqd.stop()

    def start(self):
        self.nsqd.start()

    def unreachable(self):
        address = free_address()
        return NsqOptions(nsqd=(address,)), address

    def refused(self):
        if self._refusing is None:
            not_offered("this nsqd lets everybody in")
        return self._refusing()

    def _waiting(self, topic):
        stats = self._stats(topic)
        channels = {channel["channel_name"]: channel for channel in stats["channels"]}
        if "backdoor" not in channels:  # the nsqd is still logging us in
            return True
        channel = channels["backdoor"]
        return stats["depth"] + channel["depth"] + channel["in_flight_count"]

    def _stats(self, topic):
        answer = http(self.nsqd.http, "/stats", format="json", topic=topic)
        topics = json.loads(answer)["topics"] or ()
        return next((it for it in topics if it["topic_name"] == topic), None)


class Frames:
    """Takes whole frames out of bytes: kind and content; `rest` is left over."""

    def __init__(self, data):
        self.rest = data

    def __iter__(self):
        while len(self.rest) >= 8:
            size, kind = struct.unpack(">ii", self.rest[:8])
            if len(self.rest) < size + 4:
                return
            frame, self.rest = self.rest[8 : size + 4], self.rest[size + 4 :]
            yield kind, frame
